"""What a session ran on and with, as plain data."""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.target import Machine
from pytest_mlmodelscope.record.case import json_ready

#: Distributions of the host that can change a figure or a verdict.
DISTRIBUTIONS: Final = (
    "pytest-mlmodelscope",
    "hypothesis",
    "numpy",
    "onnxruntime",
    "pillow",
    "pytest",
    "pytest-benchmark",
    "pytest-xdist",
    "scikit-learn",
    "scipy",
    "uv",
)

_GOVERNOR: Final = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def machine_facts(probe: Machine | None = None) -> dict[str, Any]:
    """The machine that a target found, and the system of the host; memory in bytes.

    Without a probe the target's own keys (class, device, name) are null. Another machine's facts are its own.
    """
    if probe is not None and probe.address:
        return _of_another(probe)
    import psutil

    from pytest_mlmodelscope.targets import local_cpu

    facts: dict[str, Any] = {
        "machine_class": probe and probe.machine_class,
        "device": probe and probe.device,
        "arch": probe.arch if probe else platform.machine(),
        "name": probe and probe.name,
        "memory": probe.memory if probe else psutil.virtual_memory().total,
        "cores": psutil.cpu_count(logical=False),
        "threads": psutil.cpu_count(),
        "os": _os(),
        "kernel": platform.release(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "governor": _governor(),
        "load_average": list(os.getloadavg()),
        "facts": dict(probe.facts) if probe else {},
        "gpus": [{**gpu.identity, **gpu.facts, "processor": local_cpu().name} for gpu in _gpus()],
    }
    ready: dict[str, Any] = json_ready(facts)
    return ready


def _of_another(probe: Machine) -> dict[str, Any]:
    own = {key: probe.facts[key] for key in ("cores", "threads", "os", "kernel", "python", "governor", "load_average")}
    told = ("machine_class", "device", "arch", "name", "memory")
    facts = {key: getattr(probe, key) for key in told} | own | {"facts": dict(probe.facts), "gpus": []}
    ready: dict[str, Any] = json_ready(facts)
    return ready


def _gpus() -> Sequence[Machine]:
    from pytest_mlmodelscope.targets import machines

    try:
        return machines(member("targets", "gpu"))
    except NotApplicable:
        return ()


def software_facts() -> dict[str, str]:
    """Versions of the installed distributions that can change a figure."""
    found = {"python": platform.python_version()}
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine_info_of(machine: Mapping[str, Any]) -> dict[str, Any]:
    """pytest-benchmark's ``machine_info`` of the machine with these facts: of this one, or of another."""
    facts = machine.get("facts", {})
    if "address" not in facts:
        return machine_info()
    implementation, _, version = machine["python"].partition(" ")
    cpu = {"brand_raw": machine["name"], "arch_string_raw": machine["arch"], "count": machine["threads"]}
    return {
        **dict.fromkeys(machine_info()),
        "node": facts["node"],
        "processor": machine["name"],
        "machine": machine["arch"],
        "python_implementation": implementation,
        "python_implementation_version": version,
        "python_version": version,
        "release": machine["kernel"],
        "system": "Linux",
        "cpu": {**cpu, "flags": facts["features"]},
    }


@functools.cache
def machine_info() -> dict[str, Any]:
    """pytest-benchmark's ``machine_info``, with all its keys. Takes about a second, once."""
    import cpuinfo

    return {
        "node": platform.node(),
        "processor": platform.processor(),
        "machine": platform.machine(),
        "python_compiler": platform.python_compiler(),
        "python_implementation": platform.python_implementation(),
        "python_implementation_version": platform.python_version(),
        "python_version": platform.python_version(),
        "python_build": list(platform.python_build()),
        "release": platform.release(),
        "system": platform.system(),
        "cpu": json_ready(cpuinfo.get_cpu_info() or {}),
    }


def commit_info() -> dict[str, Any]:
    """pytest-benchmark's ``commit_info`` of the working directory."""
    from pytest_benchmark.utils import get_commit_info

    found: dict[str, Any] = json_ready(get_commit_info())  # type: ignore[no-untyped-call]
    return found


def _os() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _governor() -> str | None:
    try:
        return _GOVERNOR.read_text(encoding="ascii").strip()
    except OSError:
        return None

"""The machine that this process runs on."""

from __future__ import annotations

import functools
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.interfaces.target import Machine
from pytest_mlmodelscope.targets._features import microarchitecture

_CPUS: Final = Path("/sys/devices/system/cpu")
_UNITS: Final = {"K": 2**10, "M": 2**20, "G": 2**30}


def arch() -> str:
    """The architecture by the kernel's name: x86_64, aarch64, ppc64le..."""
    return kernel_arch(platform.machine())


def kernel_arch(machine: str) -> str:
    """An architecture by the kernel's name, whatever a system calls it."""
    return {"AMD64": "x86_64", "arm64": "aarch64"}.get(machine, machine)


@functools.cache
def local_cpu() -> Machine:
    """This machine's processor as a target; memory in bytes."""
    import psutil

    told, family = _cpuinfo(), microarchitecture()
    name = cpu_name(told, arch(), platform.processor(), family)
    return Machine(
        machine_class=f"{arch()}-cpu-{slug(name)}",
        device="cpu",
        arch=arch(),
        name=name,
        memory=psutil.virtual_memory().total,
        facts={
            "microarchitecture": family,
            "sockets": _sockets(),
            "cores": psutil.cpu_count(logical=False),
            "threads": psutil.cpu_count(),
            "caches": dict(_caches()),
            "features": features(told),
        },
    )


def slug(text: str) -> str:
    """Text as part of a folder's name: lower case, letters and digits joined by dashes."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((?:r|tm)\)", "", text.lower())).strip("-")[:60] or "unknown"


def _cpuinfo() -> str:
    # py-cpuinfo runs several programs and takes a second; the kernel's own words do.
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return ""


def _field(told: str, *keys: str) -> str:
    """What the kernel says under the first of these keys that it uses."""
    matches = (re.search(rf"^{key}\s*:\s*(.+)$", told, re.MULTILINE) for key in keys)
    return next((match[1].strip() for match in matches if match), "")


def cpu_name(told: str, arch: str, processor: str, family: str) -> str:
    """The kernel's name of the processor, in the text of ``/proc/cpuinfo`` or of ``uname``; on ARM, where it
    has none, that of the micro-architecture.
    """
    named = _field(told, "model name", "cpu", "Processor") or processor
    return named if named not in ("", arch) else family


def features(told: str) -> list[str]:
    """What the processor can do, in the words of the kernel."""
    return sorted(_field(told, "flags", "Features").split())


def _sockets() -> int | None:
    """How many processors there are; None where the kernel does not say."""
    found = {_read(path) for path in _CPUS.glob("cpu[0-9]*/topology/physical_package_id")}
    return len(found) or None


def _caches() -> Iterator[tuple[str, int]]:
    """Bytes of each cache that the first core uses, as the kernel read them from the processor."""
    for index in sorted(_CPUS.glob("cpu0/cache/index*")):
        level, kind, size = (_read(index / name) for name in ("level", "type", "size"))
        number = re.fullmatch(r"(\d+)([KMG])", size)
        if number:
            letter = {"Data": "d", "Instruction": "i"}.get(kind, "")
            yield f"L{level}{letter}", int(number[1]) * _UNITS[number[2]]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""

"""The machine that this process runs on."""

from __future__ import annotations

import functools
import platform
import re

from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.interfaces.target import Machine


def arch() -> str:
    """The architecture by the kernel's name: x86_64, aarch64, ppc64le..."""
    return {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())


@functools.cache
def local_cpu() -> Machine:
    """This machine's processor as a target; memory in bytes."""
    import psutil

    name = _cpu_name()
    return Machine(
        machine_class=f"{arch()}-cpu-{slug(name)}",
        device="cpu",
        arch=arch(),
        name=name,
        memory=psutil.virtual_memory().total,
        facts={"cores": psutil.cpu_count(logical=False), "threads": psutil.cpu_count()},
    )


def native_cpu(wanted: str) -> Machine:
    """``local_cpu`` where the architecture is the wanted one.

    Raises:
        NotApplicable: it is another.
    """
    if arch() != wanted:
        raise NotApplicable(
            f"this machine is {arch()}, not {wanted}", hint=f"run the same command on a machine that is {wanted}"
        )
    return local_cpu()


def slug(text: str) -> str:
    """Text as part of a folder's name: lower case, letters and digits joined by dashes."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((?:r|tm)\)", "", text.lower())).strip("-")[:60] or "unknown"


def _cpu_name() -> str:
    # py-cpuinfo runs several programs and takes a second; the kernel's own words do for a name.
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            text = file.read()
    except OSError:
        return platform.processor() or "unknown"
    for key in ("model name", "cpu", "Processor"):
        match = re.search(rf"^{key}\s*:\s*(.+)$", text, re.MULTILINE)
        if match:
            return match[1].strip()
    return platform.processor() or arch()

"""An NVIDIA GPU of this machine, as its driver's own tool describes it."""

from __future__ import annotations

import functools
import shutil
import subprocess

from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.interfaces.target import Machine
from pytest_mlmodelscope.targets._local import arch, slug


def admits(hardware: Hardware) -> bool:
    """A claim about GPUs, or one that names no device."""
    return hardware.device in (None, "gpu")


@functools.cache
def probe() -> Machine:
    """The first GPU that the driver lists; memory in bytes, 0 where it has none of its own.

    Raises:
        NotApplicable: no driver or no device.
    """
    tool = shutil.which("nvidia-smi")
    if tool is None:
        raise NotApplicable("no GPU here: no NVIDIA driver is installed", hint="run it on a machine with a GPU")
    query = [tool, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
        name, memory, driver = (part.strip() for part in done.stdout.splitlines()[0].split(","))
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        raise NotApplicable("no GPU here: the NVIDIA driver lists none", hint="look at nvidia-smi") from None
    return Machine(
        machine_class=f"{arch()}-gpu-{slug(name)}",
        device="gpu",
        arch=arch(),
        name=name,
        memory=int(memory) * 2**20 if memory.isdigit() else 0,
        facts={"driver": driver},
    )

"""The NVIDIA GPUs of this machine, as their driver describes them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.interfaces.target import Machine
from pytest_mlmodelscope.targets._local import arch, local_cpu, slug
from pytest_mlmodelscope.targets._readings import watching

__all__ = ["VISIBLE", "admits", "machines", "probe", "watching"]

#: Which devices a process may use, by number (in the order of the PCI bus) or by UUID.
VISIBLE: Final = "CUDA_VISIBLE_DEVICES"

Answer = TypeVar("Answer")


def admits(hardware: Hardware) -> bool:
    """A claim about GPUs, or one that names no device."""
    return hardware.device in (None, "gpu")


def probe() -> Machine:
    """The first GPU that may be used; memory in bytes.

    Raises:
        NotApplicable: no driver or no device.
    """
    return machines()[0]


def machines() -> Sequence[Machine]:
    """All GPUs that may be used, in the driver's order.

    Raises:
        NotApplicable: no driver or no device.
    """
    found = _machines(os.environ.get(VISIBLE))
    if not found:
        raise NotApplicable(f"no GPU here: {VISIBLE} hides them all", hint=f"unset {VISIBLE}")
    return found


@functools.cache
def _machines(visible: str | None) -> tuple[Machine, ...]:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise _without_driver(error) from None
    try:
        found = [_machine(*device) for device in _devices()]
    except pynvml.NVMLError as error:
        raise NotApplicable(f"no GPU here: the NVIDIA driver fails ({error})", hint="look at nvidia-smi") from None
    finally:
        pynvml.nvmlShutdown()
    if not found:
        raise NotApplicable("no GPU here: the NVIDIA driver lists none", hint="look at nvidia-smi")
    return tuple(machine for machine in found if _is_visible(machine, visible))


def _without_driver(error: Exception) -> NotApplicable:
    import pynvml

    if isinstance(error, pynvml.NVMLError_LibraryNotFound):
        what, hint = "no NVIDIA driver is installed", "run it on a machine with a GPU"
    else:
        what, hint = f"the NVIDIA driver does not answer ({error})", "look at nvidia-smi"
    return NotApplicable(f"no GPU here: {what}", hint=hint)


def _devices() -> Iterator[tuple[int, Any, Any]]:
    """Number and handle of each GPU, and the handle of what a program gets of it: a slice where it is sliced."""
    import pynvml

    for index in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        slices = list(_slices(handle))
        yield from ((index, handle, part) for part in slices or [handle])


def _slices(handle: Any) -> Iterator[Any]:
    import pynvml

    if _asked(lambda: pynvml.nvmlDeviceGetMigMode(handle)[0], 0) != pynvml.NVML_DEVICE_MIG_ENABLE:
        return
    for number in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        part = _asked(partial(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, number), None)
        if part is not None:
            yield part


def _machine(index: int, handle: Any, part: Any) -> Machine:
    import pynvml

    name = pynvml.nvmlDeviceGetName(part)
    whole = pynvml.nvmlDeviceGetUUID(handle)
    # One that shares the machine's memory has none of its own.
    memory = _asked(lambda: pynvml.nvmlDeviceGetMemoryInfo(part).total, 0)
    capability = _asked(lambda: pynvml.nvmlDeviceGetCudaComputeCapability(handle), None)
    cuda = _asked(pynvml.nvmlSystemGetCudaDriverVersion_v2, None)
    uuid = whole if part is handle else pynvml.nvmlDeviceGetUUID(part)
    return Machine(
        machine_class=f"{arch()}-gpu-{slug(name)}",
        device="gpu",
        arch=arch(),
        name=name,
        memory=memory or local_cpu().memory,
        unit=whole,
        variables={VISIBLE: uuid},
        facts={
            "processor": local_cpu().facts,
            "index": index,
            "uuid": uuid,
            "shared_memory": not memory,
            "driver": pynvml.nvmlSystemGetDriverVersion(),
            "cuda": cuda and f"{cuda // 1000}.{cuda % 1000 // 10}",
            "compute_capability": capability and "{}.{}".format(*capability),
        },
    )


def _asked(question: Callable[[], Answer], otherwise: Answer) -> Answer:
    """The driver's answer, or what stands for one that it does not know."""
    import pynvml

    try:
        return question()
    except pynvml.NVMLError:
        return otherwise


def _is_visible(machine: Machine, visible: str | None) -> bool:
    """Whether the user lets a program use this one."""
    if visible is None:
        return True
    named = [name.strip() for name in visible.split(",")]
    uuids = (machine.unit, machine.variables[VISIBLE])
    return any(name == str(machine.facts["index"]) or (name and _begins(uuids, name)) for name in named)


def _begins(uuids: Sequence[str], name: str) -> bool:
    return not name.isdigit() and any(uuid.startswith(name) for uuid in uuids)

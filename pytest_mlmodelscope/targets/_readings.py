"""What an NVIDIA GPU does at a moment: memory, power, clocks, temperature, and what slows it down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from pytest_mlmodelscope.interfaces.target import Machine, Reading

#: What makes a GPU slower than its clocks were set to, as NVML's bits say it. An idle GPU, clocks that
#: somebody set, and those of a display are no throttling.
THROTTLES: Final[Mapping[int, str]] = {
    0x04: "power cap",
    0x08: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}


@contextmanager
def watching(machine: Machine) -> Iterator[Callable[[], Reading]]:
    """Gives what reads the GPU; where the driver's library does not answer, there is nothing to read."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield dict
        return
    try:
        yield partial(_reading, *_handles(machine))
    finally:
        pynvml.nvmlShutdown()


def _handles(machine: Machine) -> tuple[Any, Any]:
    """The whole GPU, which has clocks and a meter, and the part of it that has the memory."""
    import pynvml

    handle = pynvml.nvmlDeviceGetHandleByUUID
    return _asked(partial(handle, machine.unit)), _asked(partial(handle, machine.facts["uuid"]))


def _reading(whole: Any, part: Any) -> Reading:
    import pynvml as nvml

    questions: dict[str, Callable[[], Any]] = {
        "memory_bytes": lambda: nvml.nvmlDeviceGetMemoryInfo(part).used,
        "power_w": lambda: nvml.nvmlDeviceGetPowerUsage(whole) / 1000,
        "energy_j": lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(whole) / 1000,
        "sm_clock_mhz": lambda: nvml.nvmlDeviceGetClockInfo(whole, nvml.NVML_CLOCK_SM),
        "memory_clock_mhz": lambda: nvml.nvmlDeviceGetClockInfo(whole, nvml.NVML_CLOCK_MEM),
        "temperature_c": lambda: nvml.nvmlDeviceGetTemperature(whole, nvml.NVML_TEMPERATURE_GPU),
        "throttled": lambda: _throttled(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(whole)),
    }
    answers = {name: _asked(question) for name, question in questions.items()}
    return {name: answer for name, answer in answers.items() if answer is not None}


def _throttled(bits: int) -> tuple[str, ...]:
    return tuple(name for bit, name in THROTTLES.items() if bits & bit)


def _asked(question: Callable[[], Any]) -> Any:
    """The driver's answer; None where this GPU has none."""
    import pynvml

    try:
        return question()
    except pynvml.NVMLError:
        return None

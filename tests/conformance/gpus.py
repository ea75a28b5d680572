"""Stand-ins for GPUs: the driver's own library, answering as one does that has these."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import SimpleNamespace

import pynvml
import pytest

from pytest_mlmodelscope.targets import gpu


@dataclass
class Gpu:
    """One device; ``memory`` in bytes, None where the driver knows of none. ``slices`` are others in it."""

    name: str = "NVIDIA H200"
    memory: int | None = 143771 * 2**20
    uuid: str = "GPU-1"
    capability: tuple[int, int] = (9, 0)
    slices: tuple[Gpu, ...] = ()
    throttled: int = 0
    joules: int = 0


def install(monkeypatch: pytest.MonkeyPatch, *gpus: Gpu, driver: str = "570.86.15", cuda: int = 12080) -> list[str]:
    """Let the driver's library answer for these GPUs; the list says what was begun and ended."""

    def known(value):
        if value is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return value

    def slice_of(device, number):
        if number >= len(device.slices):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return device.slices[number]

    def energy(device):
        device.joules += 5
        return 1000 * device.joules

    everything = [part for one in gpus for part in (one, *one.slices)]
    calls: list[str] = []
    answers = {
        "nvmlInit": lambda: calls.append("begun"),
        "nvmlShutdown": lambda: calls.append("ended"),
        "nvmlDeviceGetCount": lambda: len(gpus),
        "nvmlDeviceGetHandleByIndex": lambda index: gpus[index],
        "nvmlDeviceGetName": lambda device: device.name,
        "nvmlDeviceGetUUID": lambda device: device.uuid,
        "nvmlDeviceGetMemoryInfo": lambda device: SimpleNamespace(total=known(device.memory), used=2**30),
        "nvmlDeviceGetHandleByUUID": lambda uuid: next(one for one in everything if one.uuid == uuid),
        "nvmlDeviceGetPowerUsage": lambda device: 350_000,
        "nvmlDeviceGetTotalEnergyConsumption": energy,
        "nvmlDeviceGetClockInfo": lambda device, kind: {1: 1980, 2: 3201}[kind],
        "nvmlDeviceGetTemperature": lambda device, kind: 61,
        "nvmlDeviceGetCurrentClocksThrottleReasons": lambda device: device.throttled,
        "nvmlDeviceGetCudaComputeCapability": lambda device: device.capability,
        "nvmlDeviceGetMigMode": lambda device: known([1, 1] if device.slices else None),
        "nvmlDeviceGetMaxMigDeviceCount": lambda device: 7,
        "nvmlDeviceGetMigDeviceHandleByIndex": slice_of,
        "nvmlSystemGetDriverVersion": lambda: driver,
        "nvmlSystemGetCudaDriverVersion_v2": lambda: cuda,
    }
    for name, answer in answers.items():
        assert hasattr(pynvml, name), name
        monkeypatch.setattr(pynvml, name, answer)
    monkeypatch.delenv(gpu.VISIBLE, raising=False)
    # What the driver said is kept; nothing of this may be.
    monkeypatch.setattr(gpu, "_machines", inspect.unwrap(gpu._machines))
    return calls


def fail(monkeypatch: pytest.MonkeyPatch, code: int, at: str = "nvmlInit") -> None:
    """Let one function of the driver's library fail."""

    def failing(*arguments):
        raise pynvml.NVMLError(code)

    monkeypatch.setattr(pynvml, at, failing)

"""What a GPU does at a moment, as its driver tells it."""

import pynvml
import pytest
from gpus import Gpu, fail, install

from pytest_mlmodelscope.targets import _readings, gpu


def reading(machine):
    with gpu.watching(machine) as read:
        return read()


def test_a_reading_has_memory_power_clocks_and_temperature(monkeypatch):
    calls = install(monkeypatch, Gpu())
    machine = gpu.probe()
    del calls[:]
    assert reading(machine) == {
        "memory_bytes": 2**30,
        "power_w": 350.0,
        "energy_j": 5.0,
        "sm_clock_mhz": 1980,
        "memory_clock_mhz": 3201,
        "temperature_c": 61,
        "throttled": (),
    }
    assert calls == ["begun", "ended"]


def test_of_a_slice_the_whole_gpu_has_the_clocks(monkeypatch):
    install(monkeypatch, Gpu(slices=(Gpu(uuid="MIG-1", throttled=0x40),), throttled=0x04))
    assert reading(gpu.probe())["throttled"] == ("power cap",)


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        (0x01, ()),  # idle
        (0x02, ()),  # clocks that somebody set
        (0x100, ()),  # clocks of a display
        (0x04, ("power cap",)),
        (0x48, ("hardware slowdown", "hardware thermal slowdown")),
        (0xFF, tuple(_readings.THROTTLES.values())),
    ],
)
def test_what_slows_it_down_is_said_in_words(monkeypatch, bits, words):
    install(monkeypatch, Gpu(throttled=bits))
    assert reading(gpu.probe())["throttled"] == words


def test_the_bits_are_those_of_the_drivers_library():
    names = ("SwPowerCap", "HwSlowdown", "SyncBoost", "SwThermalSlowdown", "HwThermalSlowdown", "HwPowerBrakeSlowdown")
    assert list(_readings.THROTTLES) == [getattr(pynvml, f"nvmlClocksThrottleReason{name}") for name in names]


def test_what_a_gpu_does_not_tell_is_left_out(monkeypatch):
    install(monkeypatch, Gpu())
    machine = gpu.probe()
    fail(monkeypatch, pynvml.NVML_ERROR_NOT_SUPPORTED, "nvmlDeviceGetPowerUsage")
    found = reading(machine)
    assert "power_w" not in found
    assert found["temperature_c"] == 61


def test_without_the_drivers_library_there_is_nothing_to_read(monkeypatch):
    install(monkeypatch, Gpu())
    machine = gpu.probe()
    fail(monkeypatch, pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)
    assert reading(machine) == {}

"""Readings of a device while a worker is timed."""

import threading

import pytest
from gpus import Gpu, install

from pytest_mlmodelscope.agent.watch import Watch, watch
from pytest_mlmodelscope.targets import gpu, local_cpu


def counting():
    """Readings whose figures grow by one, and that say when there were four."""
    enough = threading.Event()
    readings = iter(range(10**6))

    def read():
        number = next(readings)
        if number >= 3:
            enough.set()
        return {"power_w": float(number), "energy_j": 10.0 * number, "throttled": ("power cap",) if number == 2 else ()}

    return read, enough


def test_it_reads_before_during_and_after():
    read, enough = counting()
    with Watch(read, every=0.001) as seen:
        assert enough.wait(30)
    found = seen.summary()
    assert found["readings"] >= 5
    assert found["power_w"]["min"] == 0
    assert found["power_w"]["max"] == found["readings"] - 1
    assert found["energy_j"] == 10 * (found["readings"] - 1)
    # Seen once, and never forgotten.
    assert found["throttled"] == ["power cap"]


def test_what_happens_between_two_runs_is_no_part_of_either():
    read, _ = counting()
    seen = Watch(read, every=3600)
    with seen:
        pass
    read()
    with seen:
        pass
    found = seen.summary()
    assert (found["readings"], found["energy_j"], found["throttled"]) == (4, 20.0, [])


def test_no_thread_is_left_when_what_is_watched_fails():
    before = threading.active_count()
    read, _ = counting()
    seen = Watch(read)
    with pytest.raises(KeyError), seen:
        {}["nothing"]
    assert threading.active_count() == before


def test_a_processor_is_not_watched():
    with watch("cpu", local_cpu()) as seen, seen:
        pass
    assert seen.summary() == {}


def test_a_gpu_is(monkeypatch):
    install(monkeypatch, Gpu(throttled=0x80))
    with watch("gpu", gpu.probe()) as seen, seen:
        pass
    found = seen.summary()
    assert (found["readings"], found["energy_j"], found["throttled"]) == (2, 5.0, ["power brake"])
    assert found["sm_clock_mhz"] == {"min": 1980, "median": 1980, "max": 1980}

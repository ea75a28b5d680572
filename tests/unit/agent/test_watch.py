"""Readings of a device while a worker is timed."""

import os
import threading

import psutil
import pytest
from gpus import Gpu, install

from pytest_mlmodelscope.agent.care import Care
from pytest_mlmodelscope.agent.watch import REPEATS, Watch, watch
from pytest_mlmodelscope.remote.there import look as here
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


def test_a_processor_is_watched_and_says_what_it_does_not_tell():
    with watch("cpu", local_cpu()) as seen, seen.run(os.getpid()):
        pass
    found = seen.summary()
    assert found["readings"] >= 2
    assert found["available_bytes"]["min"] > 2**20
    (run,) = found["runs"]
    assert run["seconds"] > 0
    assert run["machine"] == len(here.cores())
    told = {"clock": run["clock_mhz"], "time that the hypervisor took": run["stolen_s"], "swapping": run["swapped"]}
    assert {what for what, value in told.items() if value is None} == set(found["unknown"]) & set(told)
    assert found["setup"].keys() >= {"governors", "turbo", "siblings", "virtual", "quota"}
    assert found["cost"]["around_s"] > 0


def test_a_gpu_is(monkeypatch):
    install(monkeypatch, Gpu(throttled=0x80))
    with watch("gpu", gpu.probe()) as seen, seen:
        pass
    found = seen.summary()
    assert (found["readings"], found["energy_j"], found["throttled"]) == (2, 5.0, ["power brake"])
    assert found["sm_clock_mhz"] == {"min": 1980, "median": 1980, "max": 1980}


# -- process runs -------------------------------------------------------------------------------------


class Machine:
    """Looks of a machine with one core, of whose time a worker gets what another leaves to it."""

    def __init__(self, *taken):
        self._taken = list(taken)
        self._at = 0

    def look(self, pid):
        """Every second look comes a second later, in which the next of the shares was taken."""
        share = self._taken[self._at // 2]
        after = self._at % 2
        self._at += 1
        mine, others = (1 - share) * after, share * after
        processes = {str(pid): [1, "1", "python", mine, 0, 0], "99": [1, "1", "cc1plus", others, 0, 0]}
        return {
            "at": float(after),
            "tick": 0.01,
            "own": 7,
            "cores": {"0": [float(after), 0.0]},
            "processes": processes,
            "worker": {"pids": [str(pid)], "threads": {str(pid): [mine, others, 0]}, "cores": [0]},
            "stalled": {"cpu": 0.0, "memory": 0.0, "io": 0.0},
            "swapped_in": 0,
            "capped_s": 0.0,
            "hot": 0,
        }


def went(disturbed, *taken):
    """What became of one run after another, until as many as undisturbed ones would do are there."""
    seen = Watch(dict, look=Machine(*taken).look, disturbed=disturbed)
    for _ in taken:
        with seen.run(11) as run:
            pass
        seen.again(run)
    return [run.use for run in seen.runs], seen


def test_a_quiet_run_is_used():
    uses, seen = went("repeat", 0.0, 0.0)
    assert uses == ["used", "used"]
    assert [run["why"] for run in seen.summary()["runs"]] == [[], []]


def test_disturbed_runs_are_repeated_so_often_and_then_marked():
    uses, seen = went("repeat", 0.5, 0.0, 0.5, 0.5, 0.5, 0.5)
    assert uses == ["repeated", "used", "repeated", "repeated", "marked", "marked"]
    assert uses.count("repeated") == REPEATS
    why = seen.summary()["runs"][0]["why"]
    assert why[0] == "it waited 50% of its time for a core that others had: cc1plus[99] 0.5 s"


@pytest.mark.parametrize(("disturbed", "use"), [("mark", "marked"), ("ignore", "ignored")])
def test_a_user_may_have_them_marked_at_once_or_used_all_the_same(disturbed, use):
    uses, seen = went(disturbed, 0.5, 0.0)
    assert uses == [use, "used"]
    assert seen.summary()["runs"][0]["why"]


def test_a_clock_that_falls_is_held_against_the_fastest_run():
    speed, found = 0.0, []
    during = threading.Event()

    def read():
        if threading.current_thread() is not threading.main_thread():
            during.set()
        return {"clock_mhz": speed}

    seen = Watch(read, every=0.001, look=Machine(0.0, 0.0, 0.0).look)
    for speed in (3000.0, 2500.0, 3000.0):  # noqa: B007  # what is read
        during.clear()
        with seen.run(11) as run:
            assert during.wait(30)
        found.append((run.readings.clock_mhz, run.why))
    assert found[0] == found[2] == (3000.0, ())
    assert found[1] == (2500.0, ("its clock was 2,500 MHz, and 3,000 MHz in the fastest run",))


def test_a_device_that_is_slowed_down_disturbs_the_run(monkeypatch):
    install(monkeypatch, Gpu(throttled=0x04))
    with watch("gpu", gpu.probe(), Care(disturbed="mark")) as seen:
        with seen.run(os.getpid()) as run:
            pass
        seen.again(run)
    assert run.use == "marked"
    assert "the device was slowed down: power cap" in run.why


def a_run(worker, seconds):
    """What is seen of a process that is at work, for so long."""
    with watch("cpu", local_cpu(), Care(disturbed="mark")) as seen, seen.run(worker.pid) as run:
        threading.Event().wait(seconds)
    return run


def test_another_process_on_the_same_core_disturbs_and_is_named(busy):
    """Whatever else this machine does: who wants the worker's core takes of it, and is named with who takes more."""
    worker, other = busy(), busy(threads=8)
    before = sum(psutil.Process(other.pid).cpu_times()[:2])
    run = a_run(worker, 1.0)
    took = sum(psutil.Process(other.pid).cpu_times()[:2]) - before
    assert run.readings.cores == 1
    assert run.readings.waited_s - run.readings.itself_s > 0.2
    (waited,) = (reason for reason in run.why if "for a core that others had" in reason)
    assert f"[{other.pid}]" in waited or min(one.seconds for one in run.readings.near) > 0.9 * took
    assert f"[{worker.pid}]" not in waited


def test_of_a_process_that_is_gone_nothing_is_said(busy):
    """A quiet machine disturbs nothing; a busy one is at least not taken for somebody who is not there."""
    worker, other = busy(), busy(threads=8)
    other.kill()
    other.wait()
    run = a_run(worker, 0.5)
    assert other.pid not in {one.pid for one in run.readings.top}
    assert not run.why or run.readings.waited_s > 0.01 or run.readings.beside_s > 0.1 or run.readings.stolen_s

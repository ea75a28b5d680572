"""Timed cases on a machine that is busy otherwise: what becomes of their runs, their verdicts and their baselines."""

import os

import pytest

from pytest_mlmodelscope.agent.care import Care
from pytest_mlmodelscope.agent.watch import REPEATS
from pytest_mlmodelscope.core.claim import Tolerance

#: What no machine keeps, and what every machine keeps.
NEVER, ALWAYS = {"value": 1e-9, "tolerance": Tolerance("relative", 0.1)}, {"value": 1e6}


@pytest.fixture
def one_core():
    """This process and all that it starts have the first core alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [min(before)])
    yield min(before)
    os.sched_setaffinity(0, before)


@pytest.fixture
def crowd(one_core, busy):
    """Somebody else who wants that core, all the time."""
    return busy(threads=8)


def uses(result):
    return [run["use"] for run in result.watched["runs"]]


@pytest.fixture
def long_enough(timed_case):
    """A timed case whose runs last long enough to meet whoever else is there."""
    return lambda **changes: timed_case(runs=2, seconds=0.3, **changes)


def test_a_disturbed_run_is_repeated_a_few_times_then_marked_and_refutes_nothing(engine_of, long_enough, crowd, words):
    result = engine_of(care=Care()).verify(long_enough(**NEVER))
    assert len(words.processes) == len(result.watched["runs"]) == 2 + REPEATS
    assert uses(result) == ["repeated"] * REPEATS + ["marked"] * 2
    assert result.verdict.word == "inconclusive"
    assert "it would be refuted, but 2 of 2 process runs were disturbed (it waited" in result.verdict.reason
    # What is not used is not in the figure either.
    assert len(result.measurement.runs) == 2
    for run in result.watched["runs"]:
        assert "for a core that others had" in run["why"][0]
        assert run["waited_s"] > 0.02 * run["worker_s"]


def test_a_claim_that_holds_all_the_same_is_confirmed_and_makes_no_baseline(engine_of, long_enough, crowd, tmp_path):
    engine = engine_of(care=Care("mark"), baselines=tmp_path / "baselines", record=True)
    result = engine.verify(long_enough(**ALWAYS))
    assert uses(result) == ["marked", "marked"]
    assert result.verdict.word == "confirmed"
    assert "2 of 2 process runs were disturbed" in result.verdict.reason
    assert result.baseline.reason.startswith("not recorded: 2 of 2 process runs were disturbed")
    assert list(tmp_path.rglob("baselines/*/*.json")) == []


def test_who_wants_them_judged_all_the_same_gets_that_and_the_record_says_so(engine_of, long_enough, crowd):
    result = engine_of(care=Care("ignore")).verify(long_enough(**NEVER))
    assert uses(result) == ["ignored", "ignored"]
    assert result.verdict.word == "refuted"
    assert result.watched["runs"][0]["why"]


def test_nobody_but_the_worker_is_needed_for_a_run_that_is_used(engine_of, long_enough, words):
    """Where something disturbs a run here, it is somebody, and not the worker or this process."""
    result = engine_of(care=Care("mark")).verify(long_enough(**ALWAYS))
    own = {f"[{pid}]" for pid in (*words.processes, os.getpid())}
    for run in result.watched["runs"]:
        assert run["use"] == ("marked" if run["why"] else "used")
        assert not [name for name in run["top"] if any(pid in name for pid in own)]
        assert run["worker_s"] > 0


@pytest.mark.parametrize(("pin", "threads", "pinned"), [("auto", 1, True), ("auto", None, False), ("off", 1, False)])
def test_a_worker_of_few_threads_has_cores_of_its_own(engine_of, timed_case, pin, threads, pinned):
    result = engine_of(care=Care("ignore", pin)).verify(timed_case(threads=threads))
    allowed = len(os.sched_getaffinity(0))
    for run in result.watched["runs"]:
        assert len(run["pinned"]) == (1 if pinned and allowed > 1 else 0)
        assert run["cores"] == (len(run["pinned"]) or allowed)
    assert len(os.sched_getaffinity(0)) == allowed

"""Timed cases beside another stack, and beside themselves: real processes, and a slowdown that is really there."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import psutil
import pytest

from pytest_mlmodelscope.engine import comparing
from pytest_mlmodelscope.engine.run import Engine
from pytest_mlmodelscope.engine.timing import steady_run
from pytest_mlmodelscope.interfaces.metric import TimedEvidence
from pytest_mlmodelscope.record.case import case_record
from pytest_mlmodelscope.verdict.aa import FEWEST
from pytest_mlmodelscope.verdict.gate import LOOKS

#: A model that has so much to do for each word.
BUSY = """\
import hashlib


class Model:
    def __init__(self, work):
        self._work = work

    def __call__(self, word):
        digest = word.encode()
        for _ in range(self._work):
            digest = hashlib.sha256(digest).digest()
        return word.upper()
"""


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Blocks of few rounds: what decides is how often a process is started."""
    monkeypatch.setattr(comparing, "ROUNDS", 20)


@pytest.fixture
def busy_case(words, case):
    """A timed case of a model that hashes each word so often."""
    (words.folder / "modules" / "busy_model.py").write_text(BUSY)

    def make(work, metric="latency", **changes):
        name = f"busy-{work}"
        words.add_model(name)
        path = words.folder / "manifests" / "models" / f"{name}.yml"
        text = path.read_text().replace("word_model:Model", "busy_model:Model")
        head, _, tail = text.partition("{kwargs: {")
        path.write_text(f"{head}{{kwargs: {{work: {work}}}}}{tail.partition('}}')[2]}")
        usual = {"unit": "ms", "direction": "lower", "runs": 2, "seconds": 0.0}
        return case(metric, 1000.0, name, "lines", **{**usual, **changes})

    return make


def against(engine: Engine, case, reference, margin=0.05):
    bench = engine._bench
    sut, other = bench.set_up(case)[0], bench.set_up(reference)[0]
    return comparing.time_against(bench, sut, other, margin)


def test_work_that_was_added_is_seen(engine, busy_case):
    result = against(engine, busy_case(800), busy_case(400))
    found = result.timing["comparison"]
    assert found["word"] == "slower"
    assert found["low"] > 1
    assert found["ratio"] > 1.2
    assert found["against"].startswith("python ")
    assert found["runs"] in LOOKS
    assert len(found["logs"]) == len(result.measurement.runs)
    # Its claim is judged by the runs of its own side.
    assert result.verdict.word == "confirmed"
    assert found["reference"] < result.measurement.value
    assert len(result.timings_ns) == result.measurement.n


def test_two_processes_take_turns_and_none_is_left(engine, words, timed_case):
    case = timed_case(runs=1)
    bench = engine._bench
    sut = bench.set_up(case)[0]
    comparing.time_against(bench, sut, sut, 1000.0)
    pids = words.processes
    # A margin that nothing exceeds: decided at the first look.
    assert len(pids) == len(set(pids)) == 2 * LOOKS[0]
    assert not any(map(psutil.pid_exists, pids))
    calls = [pid for what, pid in words.log if what == "call"]
    turns = [pid for pid, _ in itertools.groupby(calls)]
    first, second = pids[:2]
    block = [pid for pid in turns if pid in (first, second)]
    # A B, B A, A B: two turns in a row are one group, so that each side has half as many groups as turns.
    assert all(one != next_one for one, next_one in itertools.pairwise(block))
    assert comparing.ROUNDS // 2 <= block.count(first) <= comparing.ROUNDS // 2 + 2
    assert abs(block.count(first) - block.count(second)) <= 1


def test_a_process_that_dies_is_an_error_and_leaves_none(engine, words, timed_case):
    words.add_data("deadly", test=[("a", "A"), ("die", "DIE")])
    engine = dataclasses.replace(engine.settings, aa=FEWEST)
    with Engine(engine) as other:
        assert other.verify(timed_case(data="deadly")).verdict.word == "error"
    assert not any(map(psutil.pid_exists, words.processes))


# -- as a session asks for it -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stack", "words_of_it"),
    [("onnxruntime", "has no framework onnxruntime"), ("python", "nothing to compare")],
)
def test_what_cannot_be_compared_is_measured_alone_and_told(engine_of, timed_case, stack, words_of_it):
    result = engine_of(against=stack).verify(timed_case())
    found = result.timing["comparison"]
    assert result.verdict.word == "confirmed"
    assert (found["word"], found["against"]) == (None, stack)
    assert words_of_it in found["text"]


def test_what_is_not_timed_is_compared_with_nothing(engine_of, word_case):
    assert engine_of(against="onnxruntime").verify(word_case()).timing == {}


def test_a_case_beside_itself_says_what_the_gate_is_worth(engine_of, timed_case, tmp_path):
    engine = engine_of(aa=FEWEST, baselines=tmp_path / "baselines", record=True)
    result = engine.verify(timed_case())
    found = result.timing["aa"]
    assert found["blocks"] == len(found["logs"]) == len(result.measurement.runs) == FEWEST
    assert 0 <= found["false_alarms"] <= 1
    assert 0 <= found["power"] <= 1
    assert found["seconds"] > 0
    assert not (tmp_path / "baselines").exists()
    assert case_record(result)["timing"]["aa"]["blocks"] == FEWEST


def test_every_run_tells_its_warm_up_and_how_far_its_queries_depend_on_each_other(engine, timed_case):
    timing = engine.verify(timed_case(runs=2, seconds=0.05)).timing
    assert len(timing["warm_up"]) == len(timing["dependence"]) == 2
    assert all(one["queries"] >= 0 for one in timing["warm_up"])
    assert all(one["n"] > 0 and one["effective"] > 0 for one in timing["dependence"])


def test_a_slow_beginning_is_left_out_of_a_runs_figures():
    latencies = np.exp(np.random.default_rng(1).normal(0, 0.05, 500))
    latencies[:50] *= 3
    evidence = TimedEvidence(latencies, float(latencies.sum()), 1000, 50.0, 1)
    run = steady_run(evidence, {})
    assert run.warm_up.queries == 50
    assert run.evidence.latencies_s.tolist() == latencies[50:].tolist()
    assert run.evidence.wall_s == pytest.approx(latencies[50:].sum())
    assert run.evidence.samples == 900


def test_where_queries_arrive_by_themselves_the_first_ones_are_part_of_the_load():
    latencies = np.exp(np.random.default_rng(1).normal(0, 0.05, 500))
    latencies[:50] *= 3
    assert steady_run(TimedEvidence(latencies, 1.0, 500, 50.0, 1, rate=500.0), {}).warm_up.queries == 0

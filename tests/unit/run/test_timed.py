"""Timed figures, figures of the model itself, and what was measured before."""

from __future__ import annotations

import fcntl
import json
import time
from contextlib import nullcontext

import numpy as np
import psutil
import pytest

from pytest_mlmodelscope.agent.turns import folder
from pytest_mlmodelscope.core.claim import DataUse, Hardware, Tolerance
from pytest_mlmodelscope.engine.timing import TIMED_QUERIES
from pytest_mlmodelscope.manifest.pipeline import Preparation
from pytest_mlmodelscope.targets import cpu
from pytest_mlmodelscope.worker.counting import CALLS


def alive(pid):
    return psutil.pid_exists(pid)


def warming(result):
    """How many queries were left out as warm-up."""
    return sum(found["queries"] for found in result.timing["warm_up"])


# -- process runs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("runs", [1, 3])
def test_every_run_is_a_process_of_its_own(engine, words, timed_case, runs):
    result = engine.verify(timed_case(runs=runs))
    assert len(words.processes) == len(set(words.processes)) == runs
    assert len(result.measurement.runs) == runs
    assert not any(map(alive, words.processes))


def test_one_process_ends_before_the_next_begins(engine_of, words, timed_case):
    seen = []
    engine = engine_of(progress=lambda text: seen.append([pid for pid in words.processes if alive(pid)]))
    engine.verify(timed_case(runs=3))
    # Progress is told before the last worker is ended, so the one before may still be there, never two.
    assert [len(running) for running in seen] == [0, 1, 1]
    assert not any(map(alive, words.processes))


def test_a_worker_that_was_open_is_not_timed(engine, words, word_case, timed_case):
    engine.verify(word_case())
    engine.verify(timed_case(runs=2))
    assert len(set(words.processes)) == 3


def test_a_generous_claim_is_confirmed_and_an_absurd_one_refuted(engine, timed_case):
    assert engine.verify(timed_case(value=1e6, runs=3)).verdict.word == "confirmed"
    assert engine.verify(timed_case(value=1e-9, runs=3, tolerance=Tolerance("relative", 0.1))).verdict.word == "refuted"


def test_one_run_is_not_enough_to_decide(engine, timed_case):
    assert engine.verify(timed_case(runs=1)).verdict.word == "inconclusive"


def test_the_latencies_of_single_queries_are_kept(engine, timed_case):
    result = engine.verify(timed_case(runs=2))
    assert len(result.timings_ns) == result.measurement.n == 2 * TIMED_QUERIES - warming(result)
    assert all(isinstance(nanoseconds, int) and nanoseconds > 0 for nanoseconds in result.timings_ns)


@pytest.mark.parametrize(("percentile", "least"), [(50.0, TIMED_QUERIES), (90.0, 100), (99.0, 1000)])
def test_a_percentile_rests_on_ten_queries_beyond_it(engine, timed_case, percentile, least):
    result = engine.verify(timed_case(percentile=percentile, runs=1))
    assert result.measurement.n + warming(result) >= least


def test_a_higher_percentile_is_no_smaller(engine, timed_case):
    result = engine.verify(timed_case(percentile=99.0, runs=1))
    milliseconds = np.array(result.timings_ns) / 1e6
    assert result.measurement.runs[0] == pytest.approx(np.percentile(milliseconds, 99, method="inverted_cdf"), rel=1e-3)


def test_throughput_counts_items_and_not_queries(engine, timed_case):
    changes = {"unit": "1/s", "direction": "higher", "value": 1e-3, "scenario": "offline", "batch": 4, "runs": 1}
    result = engine.verify(timed_case("throughput", **changes))
    seconds = sum(result.timings_ns) / 1e9
    assert result.measurement.value == pytest.approx(4 * result.measurement.n / seconds, rel=1e-3)


def test_memory_is_that_of_the_worker(engine, timed_case):
    result = engine.verify(timed_case("peak_memory", 4000.0, unit="MB", runs=2))
    assert result.verdict.word == "confirmed"
    assert result.measurement.value > 5


def test_a_batch_takes_that_many_items_each(engine, words, timed_case):
    engine.verify(timed_case(batch=50, runs=1))
    assert words.times("call") % 50 == 0


def test_a_batch_larger_than_the_data_is_an_error(engine, words, timed_case):
    result = engine.verify(timed_case(batch=101))
    assert result.verdict.word == "error"
    assert "a batch of 101 needs as many items" in result.verdict.reason
    assert "100 in test" in result.verdict.reason
    assert words.log == []


def test_items_are_used_again_when_there_are_few(engine, words, timed_case):
    words.add_data("few", test=[("a", "A"), ("b", "B"), ("c", "C")])
    assert engine.verify(timed_case(data="few", runs=1)).measurement.n >= 10


def test_a_worker_that_dies_while_it_is_timed_is_an_error_and_the_next_case_recovers(engine, words, timed_case):
    words.add_data("deadly", test=[("a", "A"), ("die", "DIE")])
    result = engine.verify(timed_case(data="deadly"))
    assert result.verdict.word == "error"
    assert "SIGKILL" in result.verdict.reason
    assert engine.verify(timed_case()).verdict.word == "confirmed"


@pytest.fixture
def slowed(monkeypatch):
    """Lets the processor be watched as a GPU is; the list holds what slows it down."""
    reasons = ["power cap"]
    reading = lambda: {"power_w": 9.0, "throttled": tuple(reasons)}  # noqa: E731
    monkeypatch.setattr(cpu, "watching", lambda machine: nullcontext(reading), raising=False)
    return reasons


def test_a_device_that_is_slowed_down_is_marked_and_makes_no_baseline(engine_of, timed_case, slowed, tmp_path):
    engine = engine_of(baselines=tmp_path / "baselines", record=True)
    result = engine.verify(timed_case(runs=2))
    assert result.watched["power_w"] == {"min": 9.0, "median": 9.0, "max": 9.0}
    assert result.watched["throttled"] == ["power cap"]
    assert result.watched["readings"] >= 4
    assert "slowed down" in result.baseline.reason
    assert list(tmp_path.rglob("baselines/*/*.json")) == []
    slowed.clear()
    assert engine.verify(timed_case(runs=2)).watched["throttled"] == []
    assert len(list(tmp_path.rglob("baselines/*/*.json"))) == 1


@pytest.fixture
def free(tmp_path, monkeypatch):
    """Whether the processor's lock is free, in a folder of locks of this test."""
    monkeypatch.setenv("MLMS_LOCKS", str(tmp_path / "locks"))

    def look():
        with (folder() / "processor.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    return look


def test_two_timed_cases_on_one_machine_wait_for_each_other(engine_of, timed_case, free):
    seen = []
    result = engine_of(progress=lambda text: seen.append(free())).verify(timed_case(runs=2))
    assert seen == [False, False]
    assert free()
    assert result.turn["held"] == ["processor"]
    assert result.turn["waited_s"] >= 0


def test_the_lock_is_given_back_when_a_run_fails(engine, words, timed_case, free):
    words.add_data("deadly", test=[("die", "DIE")])
    engine.verify(timed_case(data="deadly"))
    assert free()


def test_what_is_not_timed_waits_for_nobody(engine, word_case, free):
    assert engine.verify(word_case()).turn == {}
    assert not folder().joinpath("processor.lock").exists()


# -- the whole way, or the model alone ----------------------------------------------------------------

PAUSE = 0.02


@pytest.fixture
def slow_preparation(monkeypatch):
    """Pre-processing that takes at least so long; gives the number of times it was asked."""
    real, asked = Preparation.tensors, []

    def slowly(self, items):
        asked.append(len(items))
        time.sleep(PAUSE)
        return real(self, items)

    monkeypatch.setattr(Preparation, "tensors", slowly)
    return asked


@pytest.fixture
def few(words):
    """Data of three words."""
    words.add_data("few", test=[("a", "A"), ("b", "B"), ("c", "C")])
    return "few"


def test_end_to_end_adds_what_comes_before_and_after_the_model(engine, few, timed_case, slow_preparation):
    result = engine.verify(timed_case(data=few, measures="end_to_end", runs=2))
    assert min(result.timings_ns) >= PAUSE * 1e9
    assert min(result.measurement.runs) >= PAUSE * 1e3
    assert slow_preparation == [1] * 6  # each of the three queries once to make it and once to time that


def test_the_model_alone_is_timed_without_what_comes_before(engine, few, timed_case, slow_preparation):
    engine.verify(timed_case(data=few, runs=2))
    assert slow_preparation == [1] * 3


def test_the_way_of_a_throughput_is_as_long_as_all_its_queries(engine, few, timed_case, slow_preparation):
    changes = {"unit": "1/s", "direction": "higher", "value": 1.0, "scenario": "offline", "runs": 1}
    result = engine.verify(timed_case("throughput", data=few, measures="end_to_end", **changes))
    assert result.measurement.value <= 1 / PAUSE


# -- the model itself ---------------------------------------------------------------------------------


def test_a_size_is_that_of_the_files_that_the_framework_loads(engine, case, model_bytes):
    result = engine.verify(case("file_size", len(model_bytes), unit="B", direction="equal"))
    assert (result.verdict.word, result.measurement.value) == ("confirmed", len(model_bytes))
    assert (result.measurement.kind, result.predictions, result.timings_ns) == ("static", {}, ())


def test_parameters_are_what_the_framework_counts(engine, case):
    result = engine.verify(case("parameter_count", 650, unit="parameters", direction="equal"))
    assert (result.verdict.word, result.measurement.value) == ("confirmed", 650)


def test_instructions_are_those_of_one_query_or_not_counted_here(engine, words, word_case):
    claim = {"unit": "thousand instructions", "direction": "lower", "tolerance": Tolerance("absolute", 0.0)}
    result = engine.verify(word_case("instructions", 1e6, **claim))
    assert words.times("call") > 0
    if result.verdict.word == "not_applicable":
        assert "instructions" in result.verdict.reason
        assert "try:" in result.verdict.reason
        return
    assert (result.verdict.word, result.measurement.kind) == ("confirmed", "counted")
    assert result.measurement.n == len(result.measurement.runs) == CALLS * result.case.claim.conditions.runs


def test_a_wrong_count_is_refuted(engine, case):
    claim = {"unit": "thousand parameters", "direction": "equal", "tolerance": Tolerance("absolute", 0.05)}
    assert engine.verify(case("parameter_count", 0.8, **claim)).verdict.word == "refuted"


# -- baselines ----------------------------------------------------------------------------------------


@pytest.fixture
def baselines(tmp_path):
    return tmp_path / "baselines"


def file_of(baselines):
    (path,) = baselines.rglob("*.json")
    return path


def change(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.fixture
def recorded(engine_of, baselines, words, word_case):
    """The file of a baseline of the usual case."""
    engine_of(baselines=baselines, record=True).verify(word_case())
    return file_of(baselines)


def compared(engine_of, baselines, case):
    return engine_of(baselines=baselines).verify(case).baseline


def test_without_a_folder_nothing_is_compared(engine, word_case):
    assert engine.verify(word_case()).baseline.status == "none"


def test_nothing_recorded_is_nothing_to_compare_with(engine_of, baselines, word_case):
    assert compared(engine_of, baselines, word_case()).status == "none"
    assert not baselines.exists()


def test_what_is_recorded_is_what_was_measured(recorded, word_case):
    data = json.loads(recorded.read_text())
    assert recorded.name == "words-accuracy-python-cpu.json"
    assert (data["value"], data["n"], data["noise"]) == (90.0, 100, 1.0)
    assert data["machine_class"] == recorded.parent.name
    assert data["data_digest"] == word_case().dataset.digest
    assert len(data["predictions"]) == 64


def test_recording_compares_with_nothing(engine_of, recorded, baselines, word_case):
    change(recorded, value=10.0)
    result = engine_of(baselines=baselines, record=True).verify(word_case())
    assert result.baseline.status == "none"
    assert json.loads(recorded.read_text())["value"] == 90.0


@pytest.mark.parametrize(
    ("then", "status"), [(90.0, "same"), (91.0, "same"), (89.0, "same"), (93.0, "worse"), (80.0, "better")]
)
def test_a_run_is_held_against_what_was_recorded(engine_of, recorded, baselines, word_case, then, status):
    change(recorded, value=then)
    found = compared(engine_of, baselines, word_case())
    assert (found.status, found.value) == (status, then)


def test_a_verdict_does_not_depend_on_the_baseline(engine_of, recorded, baselines, word_case):
    change(recorded, value=99.0)
    assert engine_of(baselines=baselines).verify(word_case()).verdict.word == "confirmed"


def test_another_machine_has_no_baseline(engine_of, recorded, baselines, word_case):
    recorded.parent.rename(baselines / "another-machine")
    assert compared(engine_of, baselines, word_case()).status == "none"


@pytest.mark.parametrize(
    ("changes", "words_of_it"),
    [
        ({"threads": 1}, "threads was None and is 1"),
        ({"batch": 8}, "batch was None and is 8"),
        ({"data": DataUse("lines", relation="sample")}, "relation was 'same' and is 'sample'"),
    ],
)
def test_other_conditions_are_not_comparable(engine_of, recorded, baselines, word_case, changes, words_of_it):
    found = compared(engine_of, baselines, word_case(**changes))
    assert found.status == "other"
    assert words_of_it in found.reason


def test_an_edited_model_or_dataset_is_not_comparable(engine_of, recorded, baselines, words, word_case):
    words.add_data("lines", test=[("a", "A")] * 100)
    assert "dataset's manifest" in compared(engine_of, baselines, word_case()).reason
    words.add_model("words", output="{name: label, steps: [lowercase]}")
    assert "model's manifest" in compared(engine_of, baselines, word_case()).reason


def test_a_sample_is_not_held_against_everything(engine_of, recorded, baselines, word_case):
    found = engine_of(baselines=baselines, sample=50).verify(word_case()).baseline
    assert found.status == "other"
    assert "100 items, this run 50" in found.reason


def test_a_broken_baseline_is_an_error_that_names_its_file(engine_of, recorded, baselines, word_case):
    recorded.write_text('{"schema": "baseline/1"}')
    result = engine_of(baselines=baselines).verify(word_case())
    assert result.verdict.word == "error"
    assert recorded.name in result.verdict.reason


def test_what_is_not_applicable_is_not_recorded(engine_of, baselines, word_case):
    case = word_case(frameworks=("python",), hardware=Hardware(name="No Such Processor"))
    assert engine_of(baselines=baselines, record=True).verify(case).verdict.word == "not_applicable"
    assert not baselines.exists()


def test_a_figure_that_is_undefined_is_not_recorded_and_stays_undecided(engine_of, baselines, words, word_case):
    words.add_data("numbers", test=[("a", "1"), ("b", "2")])
    words.add_model("constant", output="{name: label, steps: [map: {table: {A: 1, B: 1}}]}")
    case = word_case("pearson", 0.9, unit="1", data="numbers", model="constant")
    assert engine_of(baselines=baselines, record=True).verify(case).verdict.word == "inconclusive"
    assert not baselines.exists()


def test_timed_runs_are_recorded_one_by_one(engine_of, baselines, timed_case):
    engine_of(baselines=baselines, record=True).verify(timed_case(runs=3))
    data = json.loads(file_of(baselines).read_text())
    assert len(data["runs"]) == 3
    assert data["noise"] >= 0.05 * data["value"]


@pytest.mark.parametrize(("factor", "status"), [(1e-6, "worse"), (1e6, "better")])
def test_a_timed_figure_is_held_against_the_recorded_runs(engine_of, baselines, timed_case, factor, status):
    engine_of(baselines=baselines, record=True).verify(timed_case(runs=3))
    path = file_of(baselines)
    data = json.loads(path.read_text())
    scaled = {key: data[key] * factor for key in ("value", "noise")}
    change(path, **scaled, runs=[run * factor for run in data["runs"]])
    assert compared(engine_of, baselines, timed_case(runs=3)).status == status


# -- load patterns ------------------------------------------------------------------------------------


def test_queries_of_several_words_are_timed_whole(engine, words, timed_case):
    claim = {"scenario": "multi_stream", "samples_per_query": 4, "batch": 2, "queries": 6, "percentile": 50.0}
    result = engine.verify(timed_case(runs=2, **claim))
    assert result.measurement.n == 2 * 6
    # Two words at once, and no more: every run warms up with ten queries of two batches.
    assert words.times("call") == 2 * (10 + 6) * 2 * 2


def test_a_server_is_asked_at_the_rate_of_the_claim(engine, timed_case):
    result = engine.verify(timed_case(value=1e6, runs=2, scenario="server", rate=2000.0, queries=200, percentile=90.0))
    assert result.verdict.word == "confirmed"
    assert result.measurement.n == 400
    assert result.measurement.interval.method == "t over 2 process runs"


def test_a_percentile_of_too_few_queries_is_not_confirmed(engine, timed_case):
    result = engine.verify(timed_case(value=1e6, runs=3, percentile=99.0, queries=64))
    assert result.verdict.word == "inconclusive"
    assert "early stopping" in result.verdict.reason


def test_the_highest_rate_within_a_bound_is_found(engine, timed_case):
    claim = {"unit": "1/s", "direction": "higher", "scenario": "server", "percentile": 90.0, "queries": 50}
    # A word takes a fraction of a millisecond, so that some hundreds a second hold on any machine.
    found = engine.verify(timed_case("server_rate", 1.0, runs=2, latency_bound=0.25, **claim))
    assert all(rate > 1 for rate in found.measurement.runs)
    none = engine.verify(timed_case("server_rate", 1e5, runs=2, latency_bound=1e-9, **claim))
    assert none.verdict.word == "refuted"

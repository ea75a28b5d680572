"""A measurement against what the same machine measured before."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from published import ACCURACY

from pytest_mlmodelscope.core.baseline import Baseline
from pytest_mlmodelscope.core.result import NO_BASELINE, Measurement
from pytest_mlmodelscope.verdict.baseline import (
    LEAST_COUNTED_NOISE,
    LEAST_TIMED_NOISE,
    Key,
    compare,
    noise,
)
from pytest_mlmodelscope.verdict.intervals import of_calls, process_runs, whole

CLAIM = ACCURACY
LATENCY = dataclasses.replace(CLAIM, metric="latency", unit="ms", value=10.0, direction="lower")
THROUGHPUT = dataclasses.replace(CLAIM, metric="throughput", unit="1/s", value=100.0, direction="higher")
SIZE = dataclasses.replace(CLAIM, metric="file_size", unit="B", value=1000.0, direction="equal", dataset=None)
KEY = Key({"threads": 1, "batch": None}, "model-digest", "data-digest")
STEADY = (10.0, 10.1, 9.9, 10.05, 9.95)


def items(value, n=1000):
    return Measurement(value, "%", n, whole(value), census=True)


def timed(runs, unit="ms"):
    value = math.exp(sum(map(math.log, runs)) / len(runs))
    return Measurement(value, unit, 500, process_runs(runs), runs=tuple(runs), kind="timed")


def static(value):
    return Measurement(value, "B", 1, whole(value), census=True, kind="static")


def counted(value, *others):
    calls = (float(value), *map(float, others))
    return Measurement(calls[0], "instructions", len(calls), of_calls(calls), runs=calls, kind="counted")


def recorded(claim, measurement, key=KEY, **changes):
    """The baseline that a measurement makes."""
    fields = {
        "case_id": "c-onnxruntime-cpu", "claim": claim.id, "metric": claim.metric, "unit": measurement.unit,
        "direction": claim.direction, "value": measurement.value, "noise": noise(measurement), "n": measurement.n,
        "runs": measurement.runs, "conditions": key.conditions, "model_digest": key.model_digest,
        "data_digest": key.data_digest,
    }  # fmt: skip
    return Baseline(**{**fields, **changes})


def status(claim, before, now, key=KEY, **changes):
    return compare(claim, now, key, recorded(claim, before, **changes)).status


def scaled(runs, factor):
    return tuple(run * factor for run in runs)


# -- noise --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "expected"), [(1000, 0.1), (60_000, 100 / 60_000), (1, 100.0)])
def test_the_noise_of_a_percentage_is_one_item(n, expected):
    assert noise(items(90.0, n)) == pytest.approx(expected)


def test_the_noise_of_a_fraction_is_one_item_too():
    assert noise(dataclasses.replace(items(0.9), unit="1")) == pytest.approx(0.001)


def test_the_noise_of_runs_that_spread_is_half_their_range():
    assert noise(timed((8.0, 10.0, 12.0))) == pytest.approx(2.0)


def test_runs_that_happen_to_agree_are_still_granted_the_least_noise():
    assert noise(timed((10.0, 10.0, 10.0))) == pytest.approx(10.0 * LEAST_TIMED_NOISE)


def test_a_figure_of_the_model_itself_has_no_noise():
    assert noise(static(1000.0)) == 0.0


def test_nothing_measured_is_no_division_by_zero():
    assert noise(items(float("nan"), 0)) == 100.0


def test_the_noise_of_a_count_is_how_far_its_calls_lie_apart_or_what_another_layout_of_memory_does():
    assert noise(counted(751, 740, 757)) == pytest.approx(17.0)
    assert noise(counted(1000, 1000, 1000)) == pytest.approx(1000 * LEAST_COUNTED_NOISE)


def test_a_count_may_vary_by_little_and_a_change_of_the_model_is_more():
    claim = dataclasses.replace(SIZE, metric="instructions", unit="instructions", direction="lower")
    assert status(claim, counted(918_379, 918_379), counted(920_379, 920_379)) == "same"
    assert status(claim, counted(918_379, 918_379), counted(928_379, 928_379)) == "worse"
    assert status(claim, counted(918_379, 918_379), counted(908_379, 908_379)) == "better"
    assert status(claim, counted(751, 750, 757), counted(757, 757, 757)) == "same"


# -- what can be compared ------------------------------------------------------------------------


def test_without_a_baseline_nothing_is_said():
    assert compare(CLAIM, items(90.0), KEY, None) is NO_BASELINE


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (dataclasses.replace(KEY, model_digest="another"), "the model's manifest has changed"),
        (dataclasses.replace(KEY, data_digest="another"), "the dataset's manifest has changed"),
        (dataclasses.replace(KEY, data_digest=None), "the dataset's manifest has changed"),
        (dataclasses.replace(KEY, conditions={"threads": 4, "batch": None}), "threads was 1 and is 4"),
        (dataclasses.replace(KEY, conditions={"threads": 1, "batch": 8}), "batch was None and is 8"),
        (dataclasses.replace(KEY, conditions={**KEY.conditions, "seconds": 2.0}), "seconds was None and is 2.0"),
    ],
)
def test_a_baseline_of_something_else_does_not_judge(key, words):
    found = compare(CLAIM, items(10.0), key, recorded(CLAIM, items(90.0)))
    assert found.status == "other"
    assert words in found.reason
    assert found.value == 90.0


def test_the_same_keys_do_not_differ():
    assert KEY.differs(KEY) is None


def test_the_model_is_named_before_the_conditions():
    other = Key({"threads": 8}, "another", "another")
    assert KEY.differs(other) == "the model's manifest has changed"


def test_a_baseline_in_another_unit_does_not_judge():
    found = compare(LATENCY, timed(STEADY), KEY, recorded(LATENCY, timed(STEADY, "us")))
    assert found.status == "other"
    assert "the unit was us and is ms" in found.reason


def test_a_sample_of_another_size_does_not_judge():
    found = compare(CLAIM, items(90.0, 100), KEY, recorded(CLAIM, items(90.0, 1000)))
    assert (found.status, found.reason) == ("other", "the baseline has 1,000 items, this run 100")


# -- figures over items and of the model ----------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "word"),
    [(90.0, "same"), (90.1, "same"), (89.9, "same"), (90.2, "better"), (89.8, "worse"), (0.0, "worse")],
)
def test_one_item_more_or_less_is_the_same(now, word):
    assert status(CLAIM, items(90.0), items(now)) == word


@pytest.mark.parametrize(("now", "word"), [(10.0, "same"), (10.2, "worse"), (9.8, "better")])
def test_of_an_error_rate_less_is_better(now, word):
    claim = dataclasses.replace(CLAIM, direction="lower")
    assert status(claim, items(10.0), items(now)) == word


@pytest.mark.parametrize(("now", "word"), [(1000.0, "same"), (1001.0, "worse"), (999.0, "worse")])
def test_a_figure_that_ought_to_stay_only_loses_by_moving(now, word):
    assert status(SIZE, static(1000.0), static(now)) == word


def test_a_figure_that_is_gone_is_worse():
    assert status(CLAIM, items(90.0), items(float("nan"))) == "worse"


def test_a_loss_is_told_with_its_amount_and_the_noise():
    found = compare(CLAIM, items(88.0), KEY, recorded(CLAIM, items(90.0)))
    assert found.reason == "88 % is worse than the baseline 90 % by 2 % (2.2%), beyond its noise of 0.1 %"
    assert (found.value, found.noise) == (90.0, pytest.approx(0.1))


def test_a_baseline_of_zero_is_no_division_by_zero():
    found = compare(CLAIM, items(50.0), KEY, recorded(CLAIM, items(0.0)))
    assert found.status == "better"
    assert found.reason == "50 % is better than the baseline 0 % by 50 %, beyond its noise of 0.1 %"


def test_the_same_is_told_with_both_figures():
    found = compare(CLAIM, items(90.1), KEY, recorded(CLAIM, items(90.0)))
    assert found.reason == "90.1 %, as recorded (90 %)"


# -- timed figures --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "word"),
    [
        (1.0, "equivalent"),
        (1.03, "equivalent"),
        (0.97, "equivalent"),
        (1.2, "worse"),
        (2.0, "worse"),
        (0.8, "better"),
        (0.1, "better"),
    ],
)
def test_a_latency_is_slower_only_beyond_the_noise(factor, word):
    assert status(LATENCY, timed(STEADY), timed(scaled(STEADY, factor))) == word


@pytest.mark.parametrize(("factor", "word"), [(1.0, "equivalent"), (0.5, "worse"), (2.0, "better")])
def test_of_a_throughput_more_is_better(factor, word):
    runs = scaled(STEADY, 10)
    assert status(THROUGHPUT, timed(runs, "1/s"), timed(scaled(runs, factor), "1/s")) == word


def test_one_slow_process_among_five_is_no_loss():
    assert status(LATENCY, timed(STEADY), timed((10.0, 10.1, 9.9, 10.05, 30.0))) == "inconclusive"


def test_a_baseline_that_spread_forgives_what_a_steady_one_does_not():
    slower = timed(scaled(STEADY, 1.3))
    assert status(LATENCY, timed(STEADY), slower) == "worse"
    assert status(LATENCY, timed((7.0, 8.5, 10.0, 11.5, 13.0)), slower) == "inconclusive"


def test_runs_that_overlap_with_the_recorded_ones_leave_it_open():
    assert (
        status(LATENCY, timed((9.0, 10.0, 11.0, 12.0, 13.0)), timed((10.0, 11.0, 12.0, 13.0, 14.0))) == "inconclusive"
    )


@pytest.mark.parametrize(("before", "now"), [(STEADY, (100.0,)), ((10.0,), scaled(STEADY, 10)), ((10.0,), (100.0,))])
def test_one_process_run_on_either_side_decides_nothing(before, now):
    assert status(LATENCY, timed(before), timed(now)) == "inconclusive"


def test_a_timed_baseline_of_zero_is_no_division_by_zero():
    assert status(LATENCY, timed(STEADY), timed(STEADY), value=0.0) == "inconclusive"


def test_latency_may_have_another_number_of_runs_than_its_baseline():
    assert status(LATENCY, timed(STEADY), timed(scaled(STEADY[:3], 1.5))) == "worse"
    assert status(LATENCY, timed(STEADY), timed(STEADY[:3])) == "equivalent"


# -- how often it is wrong --------------------------------------------------------------------------


def alarms(spread, simulations, factor=1.0, seed=11):
    """How often five runs of the same thing, slowed by a factor, are called worse, and better."""
    draw = np.random.default_rng(seed)
    found = {"worse": 0, "better": 0, "equivalent": 0, "inconclusive": 0}
    for _ in range(simulations):
        before, now = 10 * np.exp(draw.normal(0, spread, (2, 5)))
        found[status(LATENCY, timed(tuple(before)), timed(tuple(now * factor)))] += 1
    return {word: count / simulations for word, count in found.items()}


@pytest.mark.parametrize("spread", [0.01, 0.05, 0.2])
def test_two_sessions_of_the_same_thing_rarely_alarm(spread):
    found = alarms(spread, 1_000)
    assert found["worse"] <= 0.01
    assert found["better"] <= 0.01


def test_a_machine_as_steady_as_the_least_noise_never_alarms():
    assert alarms(0.005, 100) == {"worse": 0, "better": 0, "equivalent": 1, "inconclusive": 0}


@pytest.mark.parametrize(("spread", "factor"), [(0.01, 1.15), (0.02, 1.25), (0.05, 1.6)])
def test_a_real_loss_is_found(spread, factor):
    assert alarms(spread, 100, factor)["worse"] >= 0.95

"""How often a verdict on a sample is wrong: thousands of samples from populations that are known.

A model is right on some items of a published set; a claim about the whole set is true or false by
that. Samples of it are judged, and a verdict that contradicts the whole is an error. What is
promised: at most 5 % of them, and at most 2.5 % on either side of the edge.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import Counter

import numpy as np
import pytest
from published import ACCURACY
from scipy.stats import hypergeom

from pytest_mlmodelscope.core.claim import DataUse, Tolerance
from pytest_mlmodelscope.core.result import Interval, Measurement
from pytest_mlmodelscope.interfaces.metric import TimedEvidence
from pytest_mlmodelscope.verdict import intervals
from pytest_mlmodelscope.verdict.judge import judge
from pytest_mlmodelscope.verdict.measure import of_runs

SAMPLES = 5_000
PROMISED = 0.05
ONE_SIDED = PROMISED / 2
CLAIM = dataclasses.replace(ACCURACY, tolerance=Tolerance("absolute", 0.0))
EQUAL = dataclasses.replace(CLAIM, direction="equal", tolerance=Tolerance("absolute", 1.0))
LOWER = dataclasses.replace(CLAIM, metric="error_rate", value=10.0, direction="lower")
LATENCY = dataclasses.replace(CLAIM, metric="latency", unit="ms", value=10.0, direction="lower")


def noise_of(rate):
    """What a rate found in so many samples may lie off by: three standard errors."""
    return 3 * math.sqrt(rate * (1 - rate) / SAMPLES)


@functools.cache
def percent(hits: int, n: int, population: int, unlimited: bool) -> Interval:
    """The interval of a share; there are few different ones, so each is computed once."""
    found = intervals.clopper_pearson(hits, n) if unlimited else intervals.hypergeometric(hits, n, population)
    return dataclasses.replace(found, low=100 * found.low, high=100 * found.high)


def verdicts(claim, right, n, population, unlimited=False, seed=1):
    """How often each verdict is given on a sample of n items, of which ``right`` are hits in all."""
    draws = Counter(hypergeom.rvs(population, right, n, size=SAMPLES, random_state=seed).tolist())
    found = Counter()
    for hits, times in draws.items():
        measurement = Measurement(100 * hits / n, "%", n, percent(hits, n, population, unlimited))
        found[judge(claim, measurement).word] += times
    return {word: found[word] / SAMPLES for word in ("confirmed", "refuted", "inconclusive")}


@pytest.mark.parametrize("n", [10, 50, 300, 1500])
@pytest.mark.parametrize("population", [2_000, 50_000])
def test_a_claim_that_is_just_true_is_rarely_refuted(n, population):
    rates = verdicts(CLAIM, round(0.9 * population), n, population)
    assert rates["refuted"] <= ONE_SIDED + noise_of(ONE_SIDED)


@pytest.mark.parametrize("n", [10, 50, 300, 1500])
@pytest.mark.parametrize("population", [2_000, 50_000])
def test_a_claim_that_misses_by_one_item_is_rarely_confirmed(n, population):
    rates = verdicts(CLAIM, round(0.9 * population) - 1, n, population)
    assert rates["confirmed"] <= ONE_SIDED + noise_of(ONE_SIDED)


@pytest.mark.parametrize("value", [1.0, 50.0, 99.0, 99.9])
def test_the_promise_holds_where_shares_are_small_or_large(value):
    claim, edge = dataclasses.replace(CLAIM, value=value), round(value / 100 * 10_000)
    assert verdicts(claim, edge, 500, 10_000)["refuted"] <= ONE_SIDED + noise_of(ONE_SIDED)
    assert verdicts(claim, edge - 1, 500, 10_000)["confirmed"] <= ONE_SIDED + noise_of(ONE_SIDED)


@pytest.mark.parametrize("missed", [0.5, 1.0, 2.0, 5.0])
def test_the_farther_a_claim_is_from_the_truth_the_rarer_it_is_confirmed(missed):
    rates = verdicts(CLAIM, round((0.9 - missed / 100) * 10_000), 400, 10_000)
    nearer = verdicts(CLAIM, round((0.9 - missed / 200) * 10_000), 400, 10_000)
    assert rates["confirmed"] <= nearer["confirmed"]
    assert rates["refuted"] >= nearer["refuted"]


@pytest.mark.parametrize("side", [-1, 1])
def test_a_claim_with_two_edges_keeps_its_promise_at_each(side):
    just_inside, just_outside = round((0.9 + side * 0.01) * 10_000), round((0.9 + side * 0.01) * 10_000) + side
    assert verdicts(EQUAL, just_inside, 600, 10_000)["refuted"] <= ONE_SIDED + noise_of(ONE_SIDED)
    assert verdicts(EQUAL, just_outside, 600, 10_000)["confirmed"] <= ONE_SIDED + noise_of(ONE_SIDED)


def test_a_claim_with_two_edges_is_rarely_wrong_in_its_middle():
    assert verdicts(EQUAL, 9_000, 600, 10_000)["refuted"] <= PROMISED + noise_of(PROMISED)


def test_of_error_rates_the_other_side_keeps_its_promise():
    assert verdicts(LOWER, 1_000, 400, 10_000)["refuted"] <= ONE_SIDED + noise_of(ONE_SIDED)
    assert verdicts(LOWER, 1_001, 400, 10_000)["confirmed"] <= ONE_SIDED + noise_of(ONE_SIDED)


def test_a_population_of_unknown_size_keeps_the_promise_too():
    # Clopper-Pearson takes no notice of the population, which can only widen what it gives.
    assert verdicts(CLAIM, 9_000, 400, 10_000, unlimited=True)["refuted"] <= ONE_SIDED + noise_of(ONE_SIDED)
    assert verdicts(CLAIM, 8_999, 400, 10_000, unlimited=True)["confirmed"] <= ONE_SIDED + noise_of(ONE_SIDED)


def test_what_is_far_from_the_edge_is_decided():
    assert verdicts(CLAIM, 9_800, 400, 10_000)["confirmed"] > 0.99
    assert verdicts(CLAIM, 7_000, 400, 10_000)["refuted"] > 0.99


def test_on_the_edge_most_samples_decide_nothing():
    assert verdicts(CLAIM, 9_000, 400, 10_000)["inconclusive"] > 0.9


def test_nearly_everything_decides_what_a_small_sample_cannot():
    small, large = (verdicts(CLAIM, 9_100, n, 10_000)["confirmed"] for n in (200, 9_500))
    assert small < 0.3
    assert large > 0.99


def test_knowing_the_size_of_the_population_decides_more():
    known, unknown = (verdicts(CLAIM, 9_150, 5_000, 10_000, unlimited)["confirmed"] for unlimited in (False, True))
    assert known > unknown


def test_a_whole_set_is_never_wrong():
    assert verdicts(CLAIM, 9_000, 10_000, 10_000)["confirmed"] == 1
    assert verdicts(CLAIM, 8_999, 10_000, 10_000)["refuted"] == 1


def test_other_data_are_never_decided_however_far_they_are():
    claim = dataclasses.replace(CLAIM, dataset=DataUse("d", relation="other"))
    for right in (100, 9_000, 9_999):
        assert verdicts(claim, right, 400, 10_000) == {"confirmed": 0, "refuted": 0, "inconclusive": 1}


# -- timed figures --------------------------------------------------------------------------------


def timed_verdicts(true_ms, spread, sessions=1_500, seed=2):
    """How often each verdict is given on five process runs of a machine that varies so much."""
    draw = np.random.default_rng(seed)
    found = Counter()
    for runs in np.exp(draw.normal(math.log(true_ms), spread, (sessions, 5))):
        evidence = [TimedEvidence(np.array([ms / 1e3]), ms / 1e3, 1, 50.0, 1) for ms in runs]
        found[judge(LATENCY, of_runs(LATENCY, evidence)).word] += 1
    return {word: found[word] / sessions for word in ("confirmed", "refuted", "inconclusive")}


@pytest.mark.parametrize("spread", [0.005, 0.05, 0.3])
def test_a_latency_on_the_edge_is_rarely_decided_either_way(spread):
    rates = timed_verdicts(10.0, spread)
    allowed = ONE_SIDED + 3 * math.sqrt(ONE_SIDED * (1 - ONE_SIDED) / 1_500)
    assert rates["confirmed"] <= allowed
    assert rates["refuted"] <= allowed


def test_a_latency_far_from_the_edge_is_decided():
    assert timed_verdicts(5.0, 0.05, 300)["confirmed"] == 1
    assert timed_verdicts(20.0, 0.05, 300)["refuted"] == 1


def test_a_machine_that_varies_much_leaves_open_what_a_steady_one_decides():
    steady, restless = (timed_verdicts(9.0, spread, 300)["confirmed"] for spread in (0.01, 0.2))
    assert steady == 1
    assert restless < 0.5

"""Warm-up that is found, and none found where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_mlmodelscope.verdict.dependence import dependence
from pytest_mlmodelscope.verdict.steady import BATCH, warm_up

TRIALS = 600


def log_normal(draw, n):
    return np.exp(draw.normal(0, 0.3, n))


def bimodal(draw, n):
    return np.where(draw.random(n) < 0.5, 1.0, 5.0) * np.exp(draw.normal(0, 0.02, n))


def rarely_long(draw, n):
    return np.where(draw.random(n) < 0.1, 5.0, 1.0) * np.exp(draw.normal(0, 0.02, n))


def heavy(draw, n):
    return 1 + draw.pareto(1.5, n)


def autocorrelated(draw, n, by=0.5):
    values = draw.normal(0, 1, n)
    for at in range(1, n):
        values[at] = by * values[at - 1] + np.sqrt(1 - by**2) * values[at]
    return np.exp(0.1 * values)


INDEPENDENT = [log_normal, bimodal, rarely_long, heavy]


@pytest.fixture(params=[*INDEPENDENT, autocorrelated], ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


@pytest.mark.parametrize("n", [100, 500])
def test_of_a_steady_process_almost_never_anything_is_cut(kind, n):
    draw = np.random.default_rng(1)
    found = [warm_up(kind(draw, n)) for _ in range(TRIALS)]
    assert np.mean([one.queries > 0 for one in found]) <= 0.01
    assert np.mean([not one.steady for one in found]) <= 0.01


def test_a_slow_beginning_is_cut_where_it_ends():
    draw = np.random.default_rng(2)
    latencies = np.exp(draw.normal(0, 0.05, 500))
    latencies[:40] *= np.linspace(4, 1.5, 40)
    found = warm_up(latencies)
    assert 40 <= found.queries <= 60
    assert found.steady
    assert found.ratio > 1.5


def test_a_beginning_that_is_quicker_is_cut_too():
    draw = np.random.default_rng(3)
    latencies = np.exp(draw.normal(0, 0.05, 500))
    latencies[:50] *= 0.6
    found = warm_up(latencies)
    assert found.queries == 50
    assert found.ratio == pytest.approx(0.6, rel=0.05)


def test_a_warm_up_of_twice_the_time_is_found_in_most_runs_of_a_process_that_spreads_little():
    draw = np.random.default_rng(4)
    found = []
    for _ in range(200):
        latencies = np.exp(draw.normal(0, 0.1, 500))
        latencies[:30] *= 2
        found.append(warm_up(latencies).queries)
    assert np.mean(np.array(found) >= 30) >= 0.95


def test_a_drift_is_no_warm_up_and_is_told():
    draw = np.random.default_rng(5)
    latencies = np.exp(np.linspace(0, 1, 500) + draw.normal(0, 0.02, 500))
    found = warm_up(latencies)
    assert (found.queries, found.steady) == (0, False)


def test_one_long_query_at_the_start_is_no_warm_up():
    latencies = np.exp(np.random.default_rng(6).normal(0, 0.02, 300))
    latencies[0] = 50
    assert warm_up(latencies).queries == 0


@pytest.mark.parametrize("n", [0, 1, 4, 5 * BATCH])
def test_few_queries_show_no_steady_state(n):
    found = warm_up(np.ones(n))
    assert (found.queries, found.steady) == (0, False)


def test_equal_latencies_are_steady():
    assert warm_up(np.ones(200)) == warm_up(np.full(200, 3.0))
    assert warm_up(np.ones(200)).steady


# -- how many queries are worth what they seem ------------------------------------------------------


@pytest.mark.parametrize("kind", INDEPENDENT, ids=lambda kind: kind.__name__)
def test_independent_queries_are_worth_what_they_are(kind):
    draw = np.random.default_rng(7)
    found = [dependence(kind(draw, 1000)) for _ in range(100)]
    assert np.median([one.effective for one in found]) == pytest.approx(1000, rel=0.1)
    assert abs(np.mean([one.lag_1 for one in found])) < 0.02


@pytest.mark.parametrize("by", [0.3, 0.5, 0.8])
def test_of_a_process_whose_autocorrelation_is_known_the_number_is_as_computed(by):
    draw = np.random.default_rng(8)
    found = [dependence(autocorrelated(draw, 2000, by)) for _ in range(60)]
    assert np.median([one.lag_1 for one in found]) == pytest.approx(by, abs=0.03)
    assert np.median([one.effective for one in found]) == pytest.approx(2000 * (1 - by) / (1 + by), rel=0.2)


def test_queries_that_alternate_are_worth_more_than_their_number():
    latencies = np.exp(np.random.default_rng(9).normal(0, 0.1, 500)) + np.tile([0.0, 1.0], 250)
    found = dependence(latencies)
    assert found.lag_1 < -0.5
    assert found.effective > 500


def test_a_few_long_queries_do_not_hide_that_the_others_depend_on_each_other():
    draw = np.random.default_rng(10)
    latencies = autocorrelated(draw, 2000, 0.8)
    latencies[draw.integers(0, 2000, 10)] = 1000
    assert dependence(latencies).effective < 600


@pytest.mark.parametrize("latencies", [[], [1.0], [1.0] * 100])
def test_nothing_to_correlate(latencies):
    found = dependence(np.array(latencies))
    assert (found.n, found.lag_1, found.effective) == (len(latencies), 0.0, len(latencies))

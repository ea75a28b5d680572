"""What a worker is put under, and the highest rate that keeps to a bound."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_mlmodelscope.core.claim import Conditions
from pytest_mlmodelscope.engine.loading import Bound, Loaded, batch_of, highest_rate, load_settings
from pytest_mlmodelscope.verdict.intervals import process_runs

SETTINGS = {"min_queries": 1000, "max_seconds": 30.0}


def settings_of(**conditions):
    return load_settings(Conditions(**conditions), 64, 1)


# -- settings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "queries"),
    [({}, 64), ({"percentile": 90}, 100), ({"percentile": 99}, 1000), ({"percentile": 99, "queries": 7}, 7)],
)
def test_there_are_queries_enough_for_the_percentile(conditions, queries):
    assert settings_of(**conditions)["min_queries"] == queries


def test_a_slow_rate_gets_the_time_that_it_takes():
    assert settings_of(rate=10.0, percentile=99)["max_seconds"] == pytest.approx(150)
    assert settings_of(rate=1e4, percentile=99)["max_seconds"] == 30.0


def test_each_process_run_has_other_arrivals():
    seeds = [load_settings(Conditions(rate=9.0), 64, 1, number)["seed"] for number in range(3)]
    assert len(set(seeds)) == 3


@pytest.mark.parametrize(
    ("conditions", "batched", "batch"),
    [
        ({}, True, 1),
        ({"batch": 4}, True, 4),
        ({"samples_per_query": 8}, True, 8),
        ({"samples_per_query": 8}, False, 1),
        ({"samples_per_query": 8, "batch": 2}, True, 2),
    ],
)
def test_a_query_goes_to_the_model_at_once_where_it_can(conditions, batched, batch):
    assert batch_of(Conditions(**conditions), batched) == batch


# -- the search for a rate ----------------------------------------------------------------------------


def queue(service):
    """Asks a simulated queue before one server, whose answers take ``service(draw, count)`` seconds."""

    def ask(rate, seed, queries):
        draw = np.random.default_rng(seed)
        arrival, taken = np.cumsum(draw.exponential(1 / rate, queries)), service(draw, queries)
        done = np.cumsum(taken)
        # When a query is answered: its own time and those before it, after the arrival that held the server up longest.
        answered = done + np.maximum.accumulate(arrival - (done - taken))
        return {"latencies_ns": (answered - arrival) * 1e9, "wall_ns": 1, "samples": queries}

    return ask


def found_rates(service, bound, count):
    ask = queue(service)
    alone = {"latencies_ns": service(np.random.default_rng(0), 1000) * 1e9, "wall_ns": 1, "samples": 1000}
    return np.array(
        [
            highest_rate(lambda r, s, n, k=k: ask(r, 10_000 * k + s, n), alone, bound, SETTINGS).rate
            for k in range(count)
        ]
    )


def true_rate(service, bound):
    """The rate at which the percentile of ten thousands of queries is the bound."""
    low, high = 1.0, 1000.0
    for _ in range(12):
        middle = (low + high) / 2
        over = queue(service)(middle, 1, 300_000)["latencies_ns"] > bound.seconds * 1e9
        low, high = (middle, high) if over.mean() <= 0.01 else (low, middle)
    return low


@pytest.mark.parametrize(
    ("service", "bound"),
    [
        (lambda draw, count: np.full(count, 1e-3), 0.010),
        (lambda draw, count: draw.exponential(1e-3, count), 0.020),
    ],
    ids=["constant", "exponential"],
)
def test_intervals_over_five_runs_lie_above_the_true_rate_as_seldom_as_they_say(service, bound):
    sought = Bound(bound, 99.0)
    rates, true = found_rates(service, sought, 200), true_rate(service, sought)
    above = np.mean([process_runs(five).low > true for five in rates.reshape(-1, 5)])
    assert above <= 0.025 + 3 * (0.025 * 0.975 / 40) ** 0.5
    # On average it is a little low, and never far from the truth.
    assert 0.9 < np.exp(np.log(rates).mean()) / true < 1.02


def test_where_no_rate_holds_it_is_next_to_none():
    slow = {"latencies_ns": np.full(1000, 20e6), "wall_ns": 1, "samples": 1000}
    found = highest_rate(lambda *_: pytest.fail("nothing to try"), slow, Bound(0.010, 99.0), SETTINGS)
    assert found.rate == pytest.approx(1 / 30)


def test_a_rate_that_held_by_luck_is_lowered():
    asked = []

    def ask(rate, seed, queries):
        asked.append((rate, queries))
        held = queries < 4000 or rate < 400
        return {"latencies_ns": np.full(queries, 1e6 if held else 9e6), "wall_ns": 1, "samples": queries}

    alone = {"latencies_ns": np.full(1000, 1e6), "wall_ns": 1, "samples": 1000}
    found = highest_rate(ask, alone, Bound(0.005, 99.0), SETTINGS)
    assert 380 <= found.rate < 400
    last = [rate for rate, queries in asked if queries == 4000]
    assert len(last) > 1
    assert last == sorted(last, reverse=True)


def test_who_still_waits_is_over_the_bound():
    waiting = Loaded({"latencies_ns": [1_000_000] * 99, "unserved_ns": [9_000_000] * 2, "wall_ns": 1, "samples": 99})
    assert not Bound(0.005, 99.0).held(waiting)
    assert Bound(0.005, 98.0).held(waiting)

"""Intervals against what is known of them, and their coverage in simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import hypergeom

from pytest_mlmodelscope.verdict.intervals import (
    bootstrap,
    clopper_pearson,
    estimate,
    hypergeometric,
    process_runs,
    whole,
)


def test_a_full_run_has_no_width():
    assert (whole(3.0).low, whole(3.0).high) == (3.0, 3.0)


def test_clopper_pearson_against_its_published_example():
    # 18 right of 20: the table of Clopper and Pearson gives .683 to .988.
    found = clopper_pearson(18, 20)
    assert (found.low, found.high) == (pytest.approx(0.683, abs=5e-4), pytest.approx(0.988, abs=5e-4))


def test_nothing_right_and_everything_right_have_one_sided_ends():
    assert clopper_pearson(0, 20).low == 0.0
    assert clopper_pearson(20, 20).high == 1.0
    assert hypergeometric(20, 20, 50_000).high == 1.0


def test_a_sample_of_everything_is_exact():
    found = hypergeometric(99, 100, 100)
    assert (found.low, found.high) == (0.99, 0.99)


def test_a_small_part_of_a_large_population_is_as_good_as_an_unlimited_one():
    finite, unlimited = hypergeometric(180, 200, 10_000_000), clopper_pearson(180, 200)
    assert finite.low == pytest.approx(unlimited.low, abs=1e-4)
    assert finite.high == pytest.approx(unlimited.high, abs=1e-4)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.994])
def test_the_hypergeometric_interval_covers_what_it_promises(share):
    population, n = 2_000, 300
    right = round(population * share)
    draws = hypergeom.rvs(population, right, n, size=2_000, random_state=1)
    covered = {int(hits): hypergeometric(int(hits), n, population) for hits in set(draws)}
    held = np.mean([covered[int(hits)].low <= right / population <= covered[int(hits)].high for hits in draws])
    assert held >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 2_000)


def test_the_bootstrap_finds_the_error_of_a_mean():
    values = np.random.default_rng(3).normal(10.0, 2.0, 400)
    found = bootstrap(estimate(lambda rows: float(values[rows].mean()), len(values)))
    # It is approximate, and taken at half the error: 2.24 standard errors where 1.96 were promised.
    assert (found.high - found.low) / 2 == pytest.approx(2.24 * 2.0 / 20, rel=0.15)


def test_a_figure_hangs_on_those_items_that_move_it():
    few = np.arange(1_000) < 12
    assert estimate(lambda rows: float(few[rows].mean()), 1_000).items == pytest.approx(12, rel=0.1)
    even = np.arange(1_000) % 2
    assert estimate(lambda rows: float(even[rows].mean()), 1_000).items == pytest.approx(1_000, rel=0.01)


def test_a_figure_that_nothing_moves_says_nothing_of_what_was_not_drawn():
    found = bootstrap(estimate(lambda rows: 1.0, 50))
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert found.method == "bootstrap over items: too few that matter"


def test_a_figure_that_is_never_defined_has_no_bounds():
    found = bootstrap(estimate(lambda rows: float("nan"), 10))
    assert (found.low, found.high) == (-math.inf, math.inf)


def test_one_process_run_bounds_nothing():
    found = process_runs([1.0])
    assert (found.low, found.high) == (0.0, math.inf)


def test_process_runs_cover_what_they_promise():
    draw = np.random.default_rng(7)
    held = 0
    for _ in range(2_000):
        found = process_runs(np.exp(draw.normal(0.0, 0.1, 5)))
        held += found.low <= 1.0 <= found.high
    assert held / 2_000 == pytest.approx(0.95, abs=0.015)

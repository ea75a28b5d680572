"""How often a table in which nothing is wrong has a finding, and how often what is planted is found.

Promised: at most 5 % of clean tables have any finding, of whatever kind. Each table is drawn anew: models,
what they get right, and what numerics turn over on each stack.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from pytest_mlmodelscope.table import flips
from pytest_mlmodelscope.table.cells import Cell, Metric, Rules, Table
from pytest_mlmodelscope.table.judge import judge

PROMISED = Rules().error_rate
SMALL = {"models": 6, "frameworks": 4, "machines": 2}


def allowed(tables):
    """More findings than this are less likely than one in ten thousand where the promise is kept."""
    return int(binom.isf(1e-4, tables, PROMISED))


def false_alarms(make, number):
    found = [judge(make(seed)).findings for seed in range(number)]
    return [one[0].text for one in found if one]


@pytest.mark.parametrize("n", [100, 500, 50_000])
@pytest.mark.parametrize("flips", [0.0, 0.002, 0.01])
def test_clean_tables_have_no_findings(tables, n, flips):
    alarms = false_alarms(lambda seed: tables.clean(seed, n=n, flips=flips, **SMALL), 100)
    # Far fewer than allowed: numerics turn over less than is granted, and most rules are bounds.
    assert len(alarms) <= PROMISED * 100, alarms


@pytest.mark.parametrize(
    "shape",
    [
        {"models": 30, "frameworks": 3, "machines": 1, "low": 0.72, "high": 0.78},
        {"models": 4, "frameworks": 2, "machines": 2, "n": 10_000},
        {"models": 14, "frameworks": 6, "machines": 2, "low": 0.2, "high": 0.95},
        {"models": 20, "frameworks": 2, "machines": 1, "n": 1_000, "low": 0.9, "high": 0.99},
        {"models": 1, "frameworks": 8, "machines": 1, "missing": 0.0},
    ],
    ids=["many alike", "few", "like the original", "nearly perfect", "one model"],
)
def test_clean_tables_of_any_shape_have_no_findings(tables, shape):
    alarms = false_alarms(lambda seed: tables.clean(seed, flips=0.01, **shape), 40)
    assert len(alarms) <= PROMISED * 40, alarms


def test_twice_the_flips_that_are_allowed_are_still_no_alarm(tables):
    alarms = false_alarms(lambda seed: tables.clean(seed, flips=0.02, **SMALL), 60)
    assert len(alarms) <= allowed(60), alarms


def test_tables_that_scatter_as_a_whole_are_judged_by_their_own_scatter(tables):
    alarms = false_alarms(lambda seed: tables.clean(seed, flips=0.10, **SMALL), 60)
    assert len(alarms) <= allowed(60), alarms


def test_rows_about_samples_of_their_own_keep_the_promise():
    draw = np.random.default_rng(7)

    def make(seed):
        cells = [
            Cell(line, f"m{model}", f"f{stack}", "", Metric("accuracy", "share", 1), hits / n, 5e-6, "", n)
            for model in range(6)
            for stack, n in enumerate((500, 1_000, 2_000))
            for line, hits in [(2, int(draw.binomial(n, 0.7 + model / 50)))]
        ]
        return Table("t", tuple(cells))

    found = [judge(make(seed), Rules(paired=False)).findings for seed in range(80)]
    assert sum(map(bool, found)) <= PROMISED * 80


def test_latencies_of_models_and_stacks_that_differ_much_are_no_alarm():
    draw = np.random.default_rng(8)
    metric = Metric("latency", "other")

    def make(kind):
        noise = draw.laplace(0, 0.3, (12, 8)) if kind else draw.normal(0, 0.4, (12, 8))
        figures = np.exp(draw.normal(2, 1.5, (12, 1)) + draw.normal(0, 1, (1, 8)) + noise)
        cells = [
            Cell(2, f"m{row}", f"f{column}", "", metric, figures[row, column], 0.0, "")
            for row in range(12)
            for column in range(8)
        ]
        return Table("t", tuple(cells))

    alarms = sum(bool(judge(make(seed % 2)).findings) for seed in range(100))
    assert alarms <= PROMISED * 100


def test_the_tail_of_numerical_differences_bounds_the_real_one():
    draw = np.random.default_rng(9)
    for n, share in ((100, 0.02), (500, 0.01), (50_000, 0.01)):
        turned = draw.binomial(n, share, 200_000)
        differences = 2 * draw.binomial(turned, 0.5) - turned
        for limit in (2, 4, 6, 20, 60):
            real = (np.abs(differences) >= limit).mean()
            assert real <= flips.tail(np.array([float(limit)]), np.array([share * n]))[0] * 1.1 + 1e-4


# -- what is planted is found ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "n"), [(-0.3, 50_000), (0.33, 50_000), (-0.6, 10_000), (-3.0, 1_000), (-9.0, 100), (-60.0, 50_000)]
)
def test_one_stack_that_is_off_is_found_and_nothing_else(tables, points, n):
    hits = 0
    for seed in range(20):
        table = tables.clean(seed, n=n, flips=0.001, missing=0.0, low=0.65, **SMALL)
        wrong = {"model": "model-2", "framework": "framework-1"}
        judged = judge(tables.changed(table, points, **wrong))
        places = {place for one in judged.findings for place in one.cells}
        assert all(all(getattr(judged.table.cells[at], key) == wrong[key] for key in wrong) for at in places)
        hits += bool(places)
    assert hits >= 19


def drawn_anew(tables, seed, n, models, frameworks):
    """A clean table in which every row is about items of its own."""
    draw = np.random.default_rng(seed)
    cells = [
        tables.cell(f"m{model}", f"f{stack}", "here", tables.TOP1, int(draw.binomial(n, share)), n)
        for model, share in enumerate(draw.uniform(0.5, 0.85, models))
        for stack in range(frameworks)
    ]
    return Table("table.csv", tuple(cells))


@pytest.mark.parametrize(("models", "frameworks"), [(14, 6), (5, 3), (10, 2)])
def test_rows_about_items_of_their_own_are_no_alarm_where_nobody_says_so(tables, models, frameworks):
    alarms = false_alarms(lambda seed: drawn_anew(tables, seed, 5_000, models, frameworks), 60)
    assert len(alarms) <= allowed(60), alarms

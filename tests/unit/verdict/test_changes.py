"""Change points and drift of noisy figures, and how often they are seen where there are none."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from pytest_mlmodelscope.verdict.changes import ALARM, _tables, change_points, drift, is_a_line

NOISE = {
    "normal": lambda draw, n: draw.normal(1, 0.03, n),
    "heavy": lambda draw, n: 1 + 0.03 * draw.standard_cauchy(n),
    "skewed": lambda draw, n: 1 + draw.exponential(0.05, n),
    "in steps": lambda draw, n: np.round(draw.normal(1, 0.03, n), 2),
}


@pytest.mark.parametrize("n", [4, 7])
def test_the_probability_of_a_sum_of_ranks_is_exact(n):
    for size, table in enumerate(_tables(n), 1):
        away = np.array([abs(2 * sum(c) - size * (n + 1)) for c in itertools.combinations(range(1, n + 1), size)])
        for distance in set(away):
            assert table[distance] == pytest.approx((away >= distance).mean())


@pytest.mark.parametrize("kind", NOISE)
@pytest.mark.parametrize("n", [12, 30])
def test_where_nothing_changed_a_change_is_seen_at_the_stated_rate_at_most(kind, n):
    draw, rate, histories = np.random.default_rng(n), 0.05, 400
    ties = kind == "in steps"
    seen = sum(bool(change_points(NOISE[kind](draw, n), rate)) for _ in range(40 if ties else histories))
    histories = 40 if ties else histories
    assert seen / histories <= rate + 3 * math.sqrt(rate * (1 - rate) / histories)


def test_where_nothing_changed_a_drift_is_seen_at_the_stated_rate_at_most():
    draw, rate, histories = np.random.default_rng(1), 0.05, 1000
    seen = sum(drift(draw.normal(1, 0.03, 15), rate) is not None for _ in range(histories))
    assert seen / histories <= rate + 3 * math.sqrt(rate * (1 - rate) / histories)


def test_a_new_level_is_found_where_it_begins():
    draw, found = np.random.default_rng(2), 0
    for _ in range(100):
        figures = draw.normal(1, 0.03, 30)
        figures[18:] *= 1.15
        found += change_points(figures) == [18]
    assert found >= 90


def test_a_stretch_that_goes_back_has_two_changes():
    figures = np.random.default_rng(3).normal(1, 0.01, 40)
    figures[10:22] *= 1.3
    assert change_points(figures) == [10, 22]


def test_several_levels_are_found_in_several_passes():
    figures = np.random.default_rng(4).normal(1, 0.01, 60)
    figures[20:] += 0.3
    figures[40:] += 0.3
    assert change_points(figures) == [20, 40]


@pytest.mark.parametrize("figures", [[], [1.0], [1.0, 2.0], [1.0] * 30])
def test_too_few_figures_or_the_same_ones_show_nothing(figures):
    assert change_points(figures) == []
    assert drift(figures) is None


def test_a_figure_that_goes_one_way_drifts_and_is_nearer_to_a_line_than_to_levels():
    figures = np.random.default_rng(5).normal(1, 0.02, 30) + 0.01 * np.arange(30)
    found = drift(figures)
    assert found.slope == pytest.approx(0.01, rel=0.2)
    assert found.p < ALARM
    assert is_a_line(figures, change_points(figures))
    figures = np.random.default_rng(5).normal(1, 0.02, 30) + 0.3 * (np.arange(30) >= 15)
    assert not is_a_line(figures, [15])

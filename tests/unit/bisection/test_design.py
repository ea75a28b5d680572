"""What each difference is worth: exact values, error rates by simulation, and the smallest set that makes a change."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from pytest_mlmodelscope.bisection.design import (
    ALARM,
    cells,
    change,
    exact_shares,
    minimal,
    timed_shares,
    weights,
)

NAMES = ["x", "y", "z"]


def test_every_combination_is_a_cell():
    assert len(cells(NAMES)) == 8
    assert (cells(NAMES)[0], cells(NAMES)[-1]) == (frozenset(), frozenset(NAMES))


def test_a_share_is_the_mean_over_all_orders_of_swapping():
    draw = np.random.default_rng(0)
    figures = {cell: float(draw.normal()) for cell in cells(NAMES)}
    steps = {name: [] for name in NAMES}
    for path in itertools.permutations(NAMES):
        for at, name in enumerate(path):
            steps[name].append(figures[frozenset(path[: at + 1])] - figures[frozenset(path[:at])])
    shares = exact_shares(NAMES, figures)
    assert [share.value for share in shares] == pytest.approx([np.mean(steps[name]) for name in NAMES])
    assert sum(share.value for share in shares) == pytest.approx(figures[frozenset(NAMES)] - figures[frozenset()])
    assert sum(weights(NAMES, "x").values()) == pytest.approx(0)


def test_two_that_only_act_together_share_the_change():
    figures = {cell: 4.0 if {"x", "y"} <= cell else 0.0 for cell in cells(NAMES)}
    x, y, z = exact_shares(NAMES, figures)
    assert (x.value, y.value, z.value) == (2, 2, 0)
    assert (x.alone, x.last, x.word, z.word) == (0, 4, "explains", "no part")


def noisy(draw, kind, shape):
    found = draw.normal(0, 0.03, shape)
    if kind == "heavy":
        found += (draw.random(shape) < 0.1) * draw.exponential(0.5, shape)
    if kind == "drifting":
        found += np.linspace(0, 0.3, shape[-1])
    return found


@pytest.mark.parametrize("kind", ["normal", "heavy", "drifting"])
def test_a_difference_without_effect_is_named_at_the_stated_rate_at_most(kind):
    """10,000 differences without effect beside one that slows down by 15 %; the noise of a run is 3 %."""
    draw, sessions, named = np.random.default_rng(7), 1000, 0
    for _ in range(sessions):
        noise = noisy(draw, kind, (8, 6))
        runs = {cell: np.exp(noise[n] + 0.15 * ("x" in cell)) for n, cell in enumerate(cells(NAMES))}
        named += any(share.word == "explains" for share in timed_shares(NAMES, runs)[1:])
    assert named / sessions <= ALARM + 3 * math.sqrt(ALARM / sessions)


def test_an_interval_holds_the_true_share_at_the_stated_rate():
    draw, sessions, missed = np.random.default_rng(8), 1000, 0
    for _ in range(sessions):
        noise = draw.normal(0, 0.05, (8, 6))
        runs = {cell: np.exp(noise[n] + 0.1 * len(cell)) for n, cell in enumerate(cells(NAMES))}
        missed += any(not share.low <= 0.1 <= share.high for share in timed_shares(NAMES, runs))
    assert missed / sessions <= ALARM + 3 * math.sqrt(ALARM / sessions)


def test_a_difference_of_ten_per_cent_is_named_in_the_noise_of_three():
    draw, found = np.random.default_rng(9), 0
    for _ in range(200):
        noise = draw.normal(0, 0.03, (8, 6))
        runs = {cell: np.exp(noise[n] + 0.1 * ("x" in cell)) for n, cell in enumerate(cells(NAMES))}
        found += timed_shares(NAMES, runs)[0].word == "explains"
    assert found >= 190


def test_the_interval_of_a_change_needs_two_rounds():
    assert change([1.0], [2.0])[1:] == (-math.inf, math.inf)
    value, low, high = change([1.0, 1.1, 1.0], [2.0, 2.2, 2.0])
    assert low <= value <= high
    assert value == pytest.approx(math.log(2))


@pytest.mark.parametrize("needed", [{"c"}, {"a", "h"}, {"b", "c", "g"}])
def test_the_smallest_set_that_makes_the_change_is_found(needed):
    asked = []

    def makes(cell):
        asked.append(cell)
        return needed <= cell

    assert set(minimal(list("abcdefgh"), makes)) == needed
    assert len(asked) < 2**8 / 4


def test_one_difference_alone_needs_no_question():
    assert minimal(["a"], lambda cell: pytest.fail("asked")) == ["a"]

"""Figures over all items, told from some of them: what is promised of their error rates, by simulation."""

import numpy as np
import pytest

from pytest_mlmodelscope.cause.contest import CHANCE, FIRST
from pytest_mlmodelscope.cause.posterior import Aim, Strata, interval, of_figure, of_share

DRAW = np.random.default_rng(20_170_601)


def one(population):
    return Strata(np.zeros(population, np.int64), [population])


def test_nothing_is_uncertain_when_every_item_was_seen():
    hits = DRAW.random(400) < 0.7
    draws = of_share(hits, one(400), DRAW)
    assert set(draws) == {hits.mean()}
    values = DRAW.random(50)
    assert set(of_figure(lambda chosen: float(values[chosen].mean()), 50, 50, DRAW)) == {values.mean()}


def test_an_interval_holds_the_figure_of_all_items_as_often_as_it_says():
    """Samples without replacement of a finite set, from few items to nearly all: at least 94 of 100 at 95 %."""
    held = []
    for _ in range(400):
        whole = DRAW.random(500) < DRAW.choice([0.1, 0.5, 0.9, 0.97])
        n = int(DRAW.choice([16, 64, 256, 480]))
        low, high = interval(of_share(DRAW.permutation(whole)[:n], one(500), DRAW))
        held.append(low - 1e-9 <= whole.mean() <= high + 1e-9)
    assert np.mean(held) >= 0.93  # 400 trials: two standard errors below 95 %


def test_what_is_known_of_the_own_setup_tells_apart_two_that_differ_in_few_items():
    right = DRAW.random(5000) < 0.8
    other = right ^ (DRAW.random(5000) < 0.02)
    places = DRAW.permutation(5000)
    strata = Strata(right[places].astype(np.int64), [int((~right).sum()), int(right.sum())])
    alone = interval(of_share(other[places][:500], one(5000), DRAW))
    paired = interval(of_share(other[places][:500], strata, DRAW))
    assert paired[1] - paired[0] < 0.5 * (alone[1] - alone[0])
    assert paired[0] <= other.mean() <= paired[1]


@pytest.mark.parametrize("share", [0.55, 0.9, 0.995])
def test_the_cause_is_dropped_at_most_once_in_a_hundred_searches(share):
    """Ten rounds, each a chance of 0.001 on either side of the aim."""
    population, lost, trials = 4096, 0, 300
    for _ in range(trials):
        whole = DRAW.random(population) < share
        aim = Aim(round(float(whole.mean()), 3), 0.0005, 0.002)
        sample, n, dropped = DRAW.permutation(whole), FIRST, False
        while n <= population:
            dropped = dropped or aim.is_hopeless(of_share(sample[:n], one(population), DRAW), CHANCE, 0.0)
            n *= 2
        lost += dropped
    assert lost <= trials * 0.01 + 3 * np.sqrt(trials * 0.01)


def test_a_setup_that_is_far_from_the_aim_is_dropped_at_once():
    aim = Aim(0.9, 0.0005, 0.002)
    assert aim.is_hopeless(of_share(np.zeros(8, bool), one(1000), DRAW), CHANCE, 0.0)
    assert not aim.is_hopeless(of_share(np.ones(8, bool), one(1000), DRAW), CHANCE, 0.0)


def test_a_figure_that_prints_as_the_published_one_is_nearest():
    aim = Aim(0.9, 0.0005, 0.002)
    exact, near, far = (aim.nearness(np.full(10, value)) for value in (0.9004, 0.9006, 0.95))
    assert exact == 1.0
    assert 0.4 < near <= 0.5
    assert far < 1e-6

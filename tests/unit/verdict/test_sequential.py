"""Rules that stop: how often they are wrong, over tens of thousands of claims whose truth is known, and how soon."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from pytest_mlmodelscope.verdict.paired import Paired
from pytest_mlmodelscope.verdict.plan import expected, looks, play
from pytest_mlmodelscope.verdict.sequential import Alone, Edge, Question

CLAIMS = 2_500
#: Of 50,000 items: nearly as often as batches end.
OFTEN = sorted({*range(1, 65), *np.geomspace(64, 50_000, 300).astype(int).tolist()})
INFINITY = math.inf


def question(share, tolerance=0.0, both=False, population=1_000, most=None, error=0.05, claims=1):
    high = share + tolerance if both else INFINITY
    available = most or population
    return Question(share - tolerance - 1e-12, high + 1e-12, population, available, share, error, claims)


def at_most(rate, trials=CLAIMS):
    """What a rate may come out as in so many trials: three standard errors above."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / trials)


def rates(asked, share, paths=CLAIMS, seed=7):
    """How often claims are confirmed, and refuted, when one looks again and again."""
    often = sorted({*range(1, 65), *looks(asked.available)} & set(range(asked.available + 1)))
    _, confirmed, refuted = play(asked, share, often, paths, seed)
    return confirmed.mean(), refuted.mean()


# -- error rates ------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.001, 0.5, 0.76, 0.999])
@pytest.mark.parametrize("tolerance", [0.0, 0.01])
def test_a_claim_that_is_just_true_is_rarely_refuted_however_often_one_looks(share, tolerance):
    asked = question(share, tolerance)
    edge = math.ceil((share - tolerance) * 1_000 - 1e-6) / 1_000
    assert rates(asked, max(edge, 0.0))[1] <= at_most(0.05)


@pytest.mark.parametrize("share", [0.002, 0.5, 0.76, 0.999])
@pytest.mark.parametrize("both", [False, True])
def test_a_claim_that_misses_by_one_item_is_rarely_confirmed(share, both):
    assert rates(question(share, both=both), share - 0.001)[0] <= at_most(0.05)


@pytest.mark.parametrize("side", [-1, 1])
def test_a_claim_with_two_edges_keeps_its_promise_at_each(side):
    asked = question(0.76, 0.02, both=True)
    assert rates(asked, 0.76 + side * 0.02)[1] <= at_most(0.05)
    assert rates(asked, 0.76 + side * 0.021)[0] <= at_most(0.05)


@pytest.mark.parametrize("error", [0.01, 0.2])
def test_another_error_is_kept_as_well(error):
    asked = question(0.76, error=error)
    assert rates(asked, 0.76)[1] <= at_most(error)
    assert rates(asked, 0.759)[0] <= at_most(error)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.76, 0.99])
def test_of_something_unlimited_the_promise_is_the_same(share):
    asked = question(share, population=None, most=3_000)
    assert rates(asked, share)[1] <= at_most(0.05)
    assert rates(asked, share - 1e-9)[0] <= at_most(0.05)


def test_a_large_set_keeps_the_promise_too():
    asked = question(0.76, population=50_000)
    assert rates(asked, 0.76, 1_000)[1] <= at_most(0.05, 1_000)
    assert rates(asked, 0.76 - 1 / 50_000, 1_000)[0] <= at_most(0.05, 1_000)


def test_peeking_at_a_fixed_rule_would_not():
    """The trap: the same looks, each judged by an interval that is meant for one look only."""
    draw, wrong = np.random.default_rng(3), 0
    for _ in range(200):
        flags = draw.random(2_000) < 0.76
        n = np.arange(30, 2_001, 10)
        hits = np.cumsum(flags)[n - 1]
        wrong += bool((hits / n + 1.96 * np.sqrt(0.76 * 0.24 / n) < 0.76).any())
    assert wrong / 200 > 0.10  # each side was promised 2.5 %


def test_the_interval_covers_the_truth_at_every_look():
    asked, draw, missed = question(0.7, population=400), np.random.default_rng(5), 0
    for _ in range(60):
        hits = np.cumsum(draw.permutation(np.arange(400) < 280))
        found = [asked.interval(n, int(hits[n - 1])) for n in (5, 60, 250)]
        missed += not all(one.low <= 0.7 <= one.high for one in found)
    assert missed / 60 <= at_most(0.1, 60)


@pytest.mark.parametrize(("share", "changed"), [(0.76, 0.02), (0.5, 0.2), (0.99, 0.01), (0.76, 0.4)])
def test_an_earlier_run_never_raises_the_error(share, changed):
    just_true, just_false = (paired_rates(share, changed, miss) for miss in (0, 1))
    assert just_true[1] <= at_most(0.05, 600)
    assert just_false[0] <= at_most(0.05, 600)


def paired_rates(share, changed, miss, paths=600, population=600, error=0.05):
    """How often a claim at the very edge is confirmed and refuted, where so many items were decided otherwise."""
    draw, total = np.random.default_rng(11), round(share * population)
    before = np.arange(population) < total
    lost = round(changed * population / 2)
    won = min(lost, population - total)
    now = before.copy()
    now[: lost + miss], now[total : total + won] = False, True
    claimed = (now.sum() + miss) / population
    asked = question(claimed, population=population, error=error)
    order = np.stack([draw.permutation(population) for _ in range(paths)])
    evidence = Paired(asked, int(total), (paths,))
    confirmed, refuted = np.zeros(paths, bool), np.zeros(paths, bool)
    for start in range(0, population - 10, 10):
        part = order[:, start : start + 10]
        evidence.add(now[part], before[part])
        yes, no = asked.settled(evidence.log_for, evidence.log_against)
        new = ~confirmed & ~refuted
        confirmed, refuted = confirmed | (new & yes), refuted | (new & no & ~yes)
    return confirmed.mean(), refuted.mean()


# -- how soon ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("missed", "most"), [(0.01, 15_000), (0.02, 5_000), (0.05, 900), (0.66, 15), (0.759, 15)])
def test_a_false_claim_is_refuted_by_a_part(missed, most):
    asked = question(0.76, population=50_000, error=0.01)
    stops, _, refuted = play(asked, 0.76 - missed, OFTEN, 800, 2)
    assert stops.mean() <= most
    assert refuted.mean() >= 0.99


@pytest.mark.parametrize("both", [False, True])
def test_a_true_claim_with_a_tolerance_is_confirmed_by_a_third(both):
    stops, confirmed, _ = play(question(0.76, 0.01, both, 50_000), 0.76, OFTEN, 300, 1)
    assert stops.mean() <= 50_000 / 3
    assert confirmed.mean() >= 0.95


def test_with_an_earlier_run_at_hand_it_takes_far_fewer():
    population, paths = 50_000, 60
    before = np.arange(population) < 38_000
    now = before.copy()
    now[:750], now[38_000:38_250] = False, True  # 2 % flips, one point lost
    asked = question(0.76, population=population, error=0.01)
    draw, stops = np.random.default_rng(2), np.full(paths, population)
    order = np.stack([draw.choice(population, 8_000, replace=False) for _ in range(paths)])
    evidence, open_ = Paired(asked, 38_000, (paths,)), np.ones(paths, bool)
    for start in range(0, 8_000, 50):
        part = order[:, start : start + 50]
        evidence.add(now[part], before[part])
        done = open_ & asked.settled(evidence.log_for, evidence.log_against)[1]
        stops[done], open_ = start + 50, open_ & ~done
    assert stops.mean() <= 2_500


def test_what_is_expected_is_what_it_takes():
    asked = question(0.9, 0.01, population=10_000)
    for share in (0.9, 0.87, 0.5):
        stops, _, _ = play(asked, share, sorted({*range(1, 65), *range(64, 10_001, 16), 10_000}), 400, 99)
        assert expected(asked, share).items == pytest.approx(stops.mean(), rel=0.15, abs=3)


def test_a_plan_is_always_the_same():
    asked = question(0.9, population=500)
    first = expected(asked, 0.8)
    expected.cache_clear()
    assert expected(asked, 0.8) == first


def test_many_claims_take_longer_each_to_refute():
    alone, among = (question(0.76, population=20_000, claims=claims) for claims in (1, 1_000))
    assert expected(among, 0.7).items > 1.3 * expected(alone, 0.7).items


# -- the parts --------------------------------------------------------------------------------------


def test_evidence_grows_with_what_speaks_for_it():
    edge = Edge(0.5, False, 1_000, 1_000)
    logs = edge.log_e(100, np.arange(101))
    assert (np.diff(logs[:50]) < 0).all()
    assert edge.log_e(0, 0) == pytest.approx(0)


def test_an_e_value_is_one_on_average_at_the_edge():
    """That is what Ville's inequality rests on; exactly, over all that 40 of 100 items can show."""
    from scipy.stats import hypergeom

    hits = np.arange(41)
    for above in (False, True):
        e, probability = np.exp(Edge(0.3, above, 100, 100).log_e(40, hits)), hypergeom.pmf(hits, 100, 30, 40)
        assert np.isfinite(e[probability > 0]).all()
        assert e[probability > 0] @ probability[probability > 0] <= 1 + 1e-9


def test_what_has_become_impossible_is_decided():
    asked = question(0.5, population=10)
    assert asked.log_against(6, 0) == INFINITY  # four items are left, five would be needed
    assert asked.log_for(5, 5) == INFINITY


def test_a_claim_of_everything_is_confirmed_by_nearly_everything_and_refuted_by_one_item():
    asked = question(1.0, population=1_000)
    assert not any(asked.settled(asked.log_for(900, 900), asked.log_against(900, 900)))
    assert asked.settled(asked.log_for(990, 990), asked.log_against(990, 990))[0]
    assert asked.settled(asked.log_for(10, 9), asked.log_against(10, 9))[1]


def test_what_no_set_can_have_is_refuted_at_once():
    nothing = Question(1.1, INFINITY, 100, 100, 1.0)
    assert nothing.log_against(1, 1) == INFINITY


def test_alone_counts_what_it_is_given():
    asked = question(0.5, population=100)
    evidence = Alone(asked)
    evidence.add(np.array([True, False, True]))
    evidence.add(np.array([False]))
    assert float(evidence.log_for) == float(asked.log_for(4, 2))


def test_an_earlier_run_that_was_alike_says_more_than_none():
    asked = dataclasses.replace(question(0.76, 0.01, population=10_000), error=0.05)
    before = np.random.default_rng(0).random(10_000) < 0.77
    paired, alone = Paired(asked, int(before.sum())), Alone(asked)
    for evidence in (paired, alone):
        evidence.add(before[:2_000], before[:2_000])
    assert paired.log_for > alone.log_for + 3


def test_one_edge_is_cut_where_the_evidence_has_decided():
    asked = question(0.76, 0.01, both=True, population=1_000)
    assert asked.cut(0.70, 0.80, 9.0, 0.0) == (asked.low, asked.high)
    low, high = asked.cut(0.70, 0.76, 0.0, 9.0)
    assert (low, high < asked.low) == (0.70, True)
    assert asked.cut(0.76, 0.80, 0.0, 9.0)[0] > asked.high
    assert asked.cut(0.70, 0.80, 0.0, 0.0) == (0.70, 0.80)

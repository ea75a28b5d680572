"""Many claims at once, and the probabilities that they are judged by: how often chance refutes a true one."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from published import ACCURACY
from scipy.stats import hypergeom

from pytest_mlmodelscope.core.claim import Tolerance
from pytest_mlmodelscope.core.result import Measurement, Verdict
from pytest_mlmodelscope.interfaces.metric import ItemEvidence
from pytest_mlmodelscope.verdict import chance
from pytest_mlmodelscope.verdict.intervals import bootstrap, estimate, hypergeometric, process_runs
from pytest_mlmodelscope.verdict.judge import judge
from pytest_mlmodelscope.verdict.measure import of_items
from pytest_mlmodelscope.verdict.together import Together, corrected, holm, together

CLAIM = dataclasses.replace(ACCURACY, tolerance=Tolerance("absolute", 0.0))


# -- one probability ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), [(0.9, math.inf), (-math.inf, 0.9), (0.88, 0.92)])
@pytest.mark.parametrize("population", [2_000, None])
def test_a_share_has_a_p_of_five_per_cent_where_its_interval_leaves_what_is_admitted(low, high, population):
    for hits in range(140, 201, 2):
        found = chance.of_share(hits, 200, low, high, population)
        evidence = hypergeometric(hits, 200, population or 10**7)
        outside = evidence.high < low or high < evidence.low
        assert (found <= 0.05) == outside


def test_runs_have_a_p_of_five_per_cent_where_their_interval_leaves_what_is_admitted():
    draw = np.random.default_rng(1)
    for _ in range(200):
        runs = np.exp(draw.normal(math.log(10), 0.1, 5)).tolist()
        interval = process_runs(runs)
        for low, high in ((-math.inf, 9.5), (10.5, math.inf), (9.9, 10.1)):
            outside = interval.high < low or high < interval.low
            assert (chance.of_runs(runs, low, high) <= 0.05) == outside


def test_any_figure_has_a_p_of_five_per_cent_where_its_interval_leaves_what_is_admitted():
    values = np.random.default_rng(3).normal(10.0, 2.0, 100)
    found = estimate(lambda rows: float(values[rows].mean()), len(values))
    interval = bootstrap(found)
    for low in np.linspace(9, 12, 31):
        assert (chance.of_estimate(found, low, math.inf) <= 0.05) == (interval.high < low)


def test_what_says_nothing_refutes_nothing():
    assert chance.of_runs([1.0], 5.0, math.inf) == 1
    assert chance.of_estimate(estimate(lambda rows: 1.0, 50), 5.0, math.inf) == 1


def test_runs_that_are_all_alike_leave_no_doubt():
    assert chance.of_runs([1.0, 1.0, 1.0], -math.inf, 0.5) == 0
    assert chance.of_runs([1.0, 1.0, 1.0], -math.inf, 2.0) == 1


def test_a_share_that_no_set_can_have_has_a_p_of_nothing():
    assert chance.of_share(10, 10, 1.2, math.inf, 100) == 0
    assert chance.of_share(10, 10, 1.2, math.inf, None) == 0


@pytest.mark.parametrize("right", [2, 50, 76, 99, 100])
@pytest.mark.parametrize("population", [1_000, 40_000])
def test_a_sample_of_a_claim_that_is_just_true_has_a_small_p_as_rarely_as_it_says(right, population):
    total, n = right * population // 100, 200
    drawn = hypergeom.rvs(population, total, n, size=2_000, random_state=4)
    ps = {int(hits): chance.of_share(int(hits), n, right / 100, math.inf, population) for hits in set(drawn)}
    for level in (0.01, 0.05, 0.2):
        rate = np.mean([ps[int(hits)] <= level for hits in drawn])
        assert rate <= level + 3 * math.sqrt(level * (1 - level) / 2_000)


# -- figures that are no shares -------------------------------------------------------------------------


@pytest.mark.parametrize("n", [20, 60, 400])
@pytest.mark.parametrize("kinds", [(0.45, 0.05, 0.05, 0.45), (0.08, 0.02, 0.02, 0.88), (0.9, 0.02, 0.02, 0.06)])
def test_an_f1_over_a_sample_is_rarely_put_on_the_wrong_side(n, kinds):
    """Of true and false positives and negatives; at the edge itself, where each side is wrong most often."""
    draw, samples = np.random.default_rng(n), 150
    truth = 2 * kinds[0] / (2 * kinds[0] + kinds[1] + kinds[2])
    below = above = 0
    for _ in range(samples):
        kind = draw.choice(4, n, p=kinds)

        def f1(rows, kind=kind):
            found = np.bincount(kind[rows], minlength=4)
            return 2 * found[0] / whole if (whole := 2 * found[0] + found[1] + found[2]) else math.nan

        interval = bootstrap(estimate(f1, n))
        below += interval.high < truth
        above += interval.low > truth
    allowed = 0.05 + 3 * math.sqrt(0.05 * 0.95 / samples)
    assert below / samples <= allowed
    assert above / samples <= allowed


def test_a_sample_in_which_nothing_is_wrong_confirms_no_f1():
    labels = ["a", "b"] * 15
    claim = dataclasses.replace(CLAIM, metric="f1", value=99.0, metric_options={"average": "macro"})
    found = of_items(claim, ItemEvidence(labels, labels), available=10_000)
    assert judge(claim, found).word == "inconclusive"


# -- many ---------------------------------------------------------------------------------------------


def test_of_500_true_claims_any_is_refuted_as_rarely_as_one_alone():
    """200 sessions of 500 claims on the edge, each over a sample of its own."""
    sessions, claims, population, n = 200, 500, 10_000, 300
    drawn = hypergeom.rvs(population, 9_000, n, size=(sessions, claims), random_state=9)
    ps = {int(hits): chance.of_share(int(hits), n, 0.9, math.inf, population) for hits in np.unique(drawn)}
    p = np.vectorize(ps.__getitem__)(drawn)
    alone = (p <= 0.05).any(axis=1).mean()
    at_once = (p <= 0.05 / claims).any(axis=1).mean()
    in_the_end = np.mean([min(holm(row.tolist())) <= 0.05 for row in p])
    allowed = 0.05 + 3 * math.sqrt(0.05 * 0.95 / sessions)
    assert alone == 1
    assert at_once <= allowed
    assert in_the_end <= allowed


def test_a_claim_that_is_far_off_is_refuted_among_many():
    p = chance.of_share(200, 300, 0.9, math.inf, 10_000)
    assert p < 0.05 / 10_000


def test_holm_gives_what_its_author_printed():
    # Holm (1979), step by step: 4 x .01, then 3 x .02, then 2 x .03 (not below .06), then 1 x .9.
    assert holm([0.9, 0.01, 0.03, 0.02]) == pytest.approx([0.9, 0.04, 0.06, 0.06])
    assert holm([]) == []
    assert holm([0.7, 0.8]) == [1.0, 1.0]


def measured(p):
    return Measurement(85.0, "%", 100, hypergeometric(85, 100, 1_000), p=p)


def test_a_refutation_stands_where_chance_is_too_rare_for_it():
    verdict = Verdict("refuted", "85 % is below")
    for p in (0.001, None):
        assert corrected(verdict, CLAIM, measured(p), 0.05, 20) is verdict


def test_a_refutation_that_chance_may_have_brought_is_inconclusive():
    found = corrected(Verdict("refuted", "85 % is below"), CLAIM, measured(0.01), 0.05, 20)
    assert found.word == "inconclusive"
    assert found.reason.startswith(
        "85 % is below, but of 20 claims judged together one may look so by chance (p = 0.01, 0.0025 would refute it)"
    )


@pytest.mark.parametrize("word", ["confirmed", "inconclusive"])
def test_other_verdicts_stay(word):
    verdict = Verdict(word, "so")
    assert corrected(verdict, CLAIM, measured(0.04), 0.05, 20) is verdict


def test_a_claim_that_is_alone_stays_as_it_is():
    verdict = Verdict("refuted", "so")
    assert corrected(verdict, CLAIM, measured(0.05), 0.05, 1) is verdict


def test_a_session_is_told_as_a_whole():
    cases = [
        {"p": None, "verdict": "refuted"},
        {"p": 0.0001, "verdict": "refuted"},
        {"p": 0.02, "verdict": "inconclusive"},
        {"p": 0.6, "verdict": "confirmed"},
    ]
    found = together(cases, 0.05)
    assert found == Together(3, 0.05, 1, 1)
    assert str(found) == (
        "3 of these figures rest on samples or timings; the chance that any refutation among them is false is at most "
        "0.05 (Holm): 1 refuted, 1 more would be without that correction"
    )


def test_of_one_figure_alone_nothing_is_told():
    assert together([{"p": 0.1, "verdict": "confirmed"}, {"p": None, "verdict": "refuted"}], 0.05) is None

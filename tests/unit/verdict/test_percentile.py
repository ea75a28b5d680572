"""A percentile is confirmed where the queries of every process run show it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pytest_mlmodelscope.core.claim import Claim, Source, Tolerance
from pytest_mlmodelscope.core.result import Verdict
from pytest_mlmodelscope.interfaces.metric import TimedEvidence
from pytest_mlmodelscope.verdict.percentile import held_back, shown

CONFIRMED = Verdict("confirmed", "12 ms is within the claim (at most 15 ms)")
CLAIM = Claim(
    "c", "m", "latency", 15.0, "ms", "lower", Tolerance("absolute", 0.0), Source("Notes", "15", "line 1", "2026-11-24")
)


def run(queries, over, percentile=99.0):
    latencies = np.array([0.010] * (queries - over) + [0.020] * over)
    return TimedEvidence(latencies, float(latencies.sum()), queries, percentile, 1)


def judged(*runs, verdict=CONFIRMED, claim=CLAIM):
    return held_back(verdict, shown(claim, runs))


def test_queries_enough_leave_a_verdict_alone():
    assert judged(run(1000, 2), run(662, 1)) is CONFIRMED


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (run(1000, 3), ["run 3 3 of 1,000 queries", "2 may", "99th percentile"]),
        (run(100, 0), ["run 3 0 of 100 queries", "too few for any percentile", "359 more"]),
        (run(63, 1, 90.0), ["run 3 1 of 63 queries", "0 may", "1 more", "90th percentile"]),
    ],
)
def test_too_few_in_one_run_confirm_nothing(last, told):
    first = [run(2000, 2, last.percentile)] * 2
    verdict = judged(*first, last)
    assert verdict.word == "inconclusive"
    assert verdict.reason.startswith(CONFIRMED.reason)
    for text in told:
        assert text in verdict.reason


def test_the_run_that_lacks_most_is_the_one_that_is_told():
    assert "process run 2 0 of 50" in judged(run(400, 0), run(50, 0)).reason


@pytest.mark.parametrize("word", ["refuted", "inconclusive"])
def test_only_a_confirmation_is_held_back(word):
    verdict = Verdict(word, "why")
    assert judged(run(10, 10), verdict=verdict) is verdict


@pytest.mark.parametrize("changes", [{"metric": "throughput", "unit": "1/s"}, {"direction": "higher"}])
def test_other_claims_are_no_percentiles(changes):
    assert judged(run(10, 10), claim=dataclasses.replace(CLAIM, **changes)) is CONFIRMED


def test_the_estimate_is_in_the_unit_of_the_claim():
    (found,) = shown(CLAIM, [run(1000, 1)])
    assert (found.queries, found.over, found.allowed, found.estimate) == (1000, 1, 2, pytest.approx(10.0))

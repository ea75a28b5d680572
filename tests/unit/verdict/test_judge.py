"""Verdicts: when a claim is confirmed, refuted or left open."""

from __future__ import annotations

import dataclasses

import pytest
from published import ACCURACY

from pytest_mlmodelscope.core.claim import DataUse, Source, Tolerance
from pytest_mlmodelscope.core.result import Interval, Measurement
from pytest_mlmodelscope.verdict.intervals import whole
from pytest_mlmodelscope.verdict.judge import admitted, figure, judge, more_needed

CLAIM = dataclasses.replace(
    ACCURACY, value=99.4, tolerance=Tolerance("absolute", 0.05), source=Source("t", "99.4 %", "w", "2026-11-24")
)


def census(value: float) -> Measurement:
    return Measurement(value, "%", 60000, whole(value), census=True)


def sample(value: float, low: float, high: float, n: int = 100) -> Measurement:
    return Measurement(value, "%", n, Interval(low, high, 0.95, "m"))


@pytest.mark.parametrize(
    ("direction", "value", "word"),
    [
        ("higher", 99.407, "confirmed"), ("higher", 99.35, "confirmed"), ("higher", 99.348, "refuted"),
        ("higher", 99.9, "confirmed"), ("lower", 99.45, "confirmed"), ("lower", 99.46, "refuted"),
        ("lower", 1.0, "confirmed"), ("equal", 99.45, "confirmed"), ("equal", 99.46, "refuted"),
        ("equal", 99.34, "refuted"),
    ],
)  # fmt: skip
def test_a_full_run_is_inside_or_outside(direction, value, word):
    claim = dataclasses.replace(CLAIM, direction=direction)
    assert judge(claim, census(value)).word == word


def test_the_last_bit_of_a_float_does_not_decide():
    assert judge(CLAIM, census(0.9935 * 100 - 1e-12)).word == "confirmed"


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(99.36, 99.9, "confirmed"), (98.0, 99.3, "refuted"), (99.0, 99.9, "inconclusive"), (99.3, 99.36, "inconclusive")],
)
def test_a_sample_needs_its_whole_interval_on_one_side(low, high, word):
    assert judge(CLAIM, sample((low + high) / 2, low, high)).word == word


def test_other_data_never_decide():
    claim = dataclasses.replace(CLAIM, dataset=DataUse("d", relation="other", published_name="their own files"))
    for value in (10.0, 99.4, 100.0):
        verdict = judge(claim, census(value))
        assert verdict.word == "inconclusive"
        assert "their own files" in verdict.reason


def test_an_undefined_figure_is_no_verdict():
    assert judge(CLAIM, census(float("nan"))).word == "inconclusive"


def test_a_refutation_says_by_how_much():
    assert judge(CLAIM, census(99.348)).reason == ("99.348 % is 0.002 % below what the claim admits (at least 99.35 %)")


def test_a_figure_well_above_the_published_one_is_pointed_out():
    assert "better than published by 0.5 %" in judge(CLAIM, census(99.9)).reason


def test_an_open_verdict_says_what_would_decide():
    verdict = judge(CLAIM, sample(90.0, 80.0, 99.5, n=200))
    assert "more items would decide" in verdict.reason
    # The upper side of the interval, 9.5 wide, must shrink to 9.35, the way to the edge.
    assert more_needed(CLAIM, sample(90.0, 80.0, 99.5, n=20)) == 1
    # An interval is rarely symmetric: here the lower side counts, and it is the wide one.
    assert more_needed(CLAIM, sample(99.8, 97.1, 99.9, n=20)) == pytest.approx(700, abs=1)


def test_a_figure_on_the_very_edge_would_not_be_decided_by_more():
    measurement = sample(99.35, 99.0, 99.7)
    assert more_needed(CLAIM, measurement) is None
    assert "hardly decide" in judge(CLAIM, measurement).reason


def test_timed_claims_count_process_runs():
    claim = dataclasses.replace(
        CLAIM, metric="latency", unit="ms", value=1, direction="lower", tolerance=Tolerance("absolute", 0)
    )
    runs = Measurement(0.9, "ms", 5000, Interval(0.7, 1.2, 0.95, "t"), runs=(0.7, 0.8, 0.9, 1.0, 1.2), kind="timed")
    assert "more process runs would decide" in judge(claim, runs).reason


@pytest.mark.parametrize(
    ("direction", "words"),
    [("higher", "at least 99.35 %"), ("lower", "at most 99.45 %"), ("equal", "99.35 % to 99.45 %")],
)
def test_what_a_claim_admits_is_said_in_words(direction, words):
    assert admitted(dataclasses.replace(CLAIM, direction=direction)) == words


def test_figures_carry_their_unit():
    assert (figure(0.5, "1"), figure(99.40666, "%"), figure(1.5, "ms")) == ("0.5", "99.4067 %", "1.5 ms")

"""Figures in words: as many digits as the uncertainty bears."""

from __future__ import annotations

import pytest

from pytest_mlmodelscope.core.result import WORDS
from pytest_mlmodelscope.record.case import case_record
from pytest_mlmodelscope.record.compare import Fact, Value
from pytest_mlmodelscope.reports import _text


def census(value, n):
    return Value(value, value, value, n, census=True, kind="items")


def spanned(value, low, high, n=500):
    return Value(value, low, high, n, census=False, kind="timed")


def static(value):
    return Value(value, value, value, 1, census=True, kind="static")


def counted(value, low, high):
    return Value(value, low, high, 11, census=False, kind="counted")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (counted(0.918379, 0.918379, 0.918379), "million instructions", "0.918379 million instructions"),
        (counted(0.751091, 0.751021, 0.75418), "million instructions", "0.751 million instructions [0.751, 0.754]"),
        (census(99.40666666, 60_000), "%", "99.407 % (all 60,000)"),
        (census(0.5, 20), "1", "0.50 (all 20)"),
        (census(90.0, 20), "%", "90 % (all 20)"),
        (census(0.8812345, 4_200), "1", "0.8812 (all 4,200)"),
        (spanned(0.1212, 0.11, 0.13), "ms", "0.12 ms [0.11, 0.13]"),
        (spanned(0.12, 0.1145, 0.1255), "ms", "0.120 ms [0.115, 0.126]"),
        (spanned(91.62, 88.3, 94.2), "%", "92 % [88, 94]"),
        (spanned(12_345.6, 12_000.0, 12_700.0), "1/s", "12,346 1/s [12,000, 12,700]"),
        (spanned(17.2, 0.0, None), "ms", "17.2 ms [0, inf]"),
        (spanned(17.2, None, 20.0), "ms", "17.2 ms [-inf, 20]"),
        (spanned(17.2, None, None), "ms", "17.2 ms"),
        (static(2_327_524), "B", "2,327,524 B"),
        (static(1.9), "million parameters", "1.9 million parameters"),
        (spanned(1e300, 9e299, 1.1e300), "1", "1e+300 [9e+299, 1.1e+300]"),
        (spanned(3e-12, 2e-12, 4e-12), "s", "3e-12 s [2e-12, 4e-12]"),
        (spanned(0.0, 0.0, 0.0), "%", "0 % [0, 0]"),
    ],
)
def test_figures(value, unit, text):
    assert _text.figure(value, unit) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (99.4, "99.4"),
        (1.0, "1"),
        (0, "0"),
        (2_327_524, "2,327,524"),
        (1234.5, "1,234.5"),
        (0.2, "0.2"),
        (0.0867, "0.0867"),
        (0.00001234, "1.234e-05"),
        (-75.1, "-75.1"),
        (10**30, "1e+30"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_without_uncertainty(value, text):
    assert _text.number(value, None) == text


def test_a_figure_that_is_not_there(accuracy_result):
    assert _text.measured(case_record(accuracy_result(measurement=None))) == "-"


def test_a_source_says_title_year_and_place(record):
    case = record["mlms"]["cases"][0]
    assert _text.source(case) == "Efficient language detector, METADATA, table 2"
    case["source"]["year"] = 2023
    assert _text.source(case) == "Efficient language detector (2023), METADATA, table 2"


def test_frameworks_with_version_and_target(record):
    case = record["mlms"]["cases"][0]
    assert _text.framework(case) == "python"
    case.update(requirement=">=3.12", target="gpu")
    assert _text.framework(case) == "python>=3.12 on gpu"
    case["machine"] = {"nature": "hardware"}
    assert _text.framework(case) == "python>=3.12 on gpu"
    case["machine"] = {"nature": "simulated"}
    assert _text.framework(case) == "python>=3.12 on gpu (simulated)"


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (None, "not applicable"),
        ({"verdict": ["not_applicable"], "reason": "r", "matched": True}, "not applicable (known)"),
        ({"verdict": ["error"], "reason": "r", "matched": False}, "not applicable (not as known)"),
    ],
)
def test_verdicts(known, text):
    assert _text.verdict({"verdict": "not_applicable", "known": known}) == text


def test_a_confirmed_case_needs_no_remark(record):
    assert _text.remarks(record["mlms"]["cases"][0]) == []


def test_a_device_that_was_slowed_down_is_marked(record):
    case = record["mlms"]["cases"][0]
    case["watched"] = {"readings": 9, "throttled": ["power cap", "power brake"]}
    assert _text.remarks(case) == ["THROTTLED: the device was slowed down while it was timed (power cap, power brake)"]


def test_disturbed_runs_are_told_with_what_became_of_them(record):
    case = record["mlms"]["cases"][0]
    whys = {"used": [], "repeated": ["others took 80% of the machine", "and more"], "marked": ["it was hot"]}
    runs = [{"use": use, "why": whys[use]} for use in ("used", "repeated", "marked", "repeated")]
    case["watched"] = {"readings": 9, "throttled": [], "runs": runs}
    told = "DISTURBED process runs: 2 repeated, 1 marked (others took 80% of the machine)"
    assert _text.remarks(case) == [told]
    case["watched"]["runs"] = runs[:1]
    assert _text.remarks(case) == []


def test_remarks_say_what_a_reader_must_know(record):
    case = record["mlms"]["cases"][0]
    case.update(verdict="refuted", reason="too low", failed=3)
    case["known"] = {"verdict": ["refuted"], "reason": "rounded up", "matched": True}
    case["baseline"] = {"status": "worse", "reason": "lost 1 %", "value": 1, "noise": 0}
    assert _text.remarks(case) == [
        "too low",
        "known: rounded up",
        "baseline: lost 1 %",
        "3 items without an answer count as wrong",
    ]


def test_counts_are_in_the_order_of_the_words():
    cases = [{"verdict": word} for word in (*reversed(WORDS), "confirmed")]
    assert _text.counts(cases) == "2 confirmed, 1 refuted, 1 inconclusive, 1 not applicable, 1 error"
    assert _text.counts([]) == "no cases"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (16_000_000_000, "16000000000"),
        (2.50, "2.5"),
        ([1, "a", None], "1, a, -"),
        ("0123456789abcdef" * 4, "0123456789ab..."),
        ("x" * 500, "x" * 50 + "..." + "x" * 25),
        ({"a": 1, "b": [2, 3]}, "a: 1, b: 2, 3"),
        ("two\nlines\x1b[31m", "two lines [31m"),
    ],
)
def test_data_in_tables(value, text):
    assert _text.shown(value) == text


def test_rows_of_facts():
    assert _text.fact_rows([Fact("os", None, "x")]) == [("os", "-", "x")]

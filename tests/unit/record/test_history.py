"""Many records of the same cases: changes, drift, flaky and vanished cases."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.record.case import case_record
from pytest_mlmodelscope.record.history import FAILURES, history
from pytest_mlmodelscope.record.series import is_disturbed, key_of


@pytest.fixture
def records(record):
    """Makes records of lists of cases, a day apart: ``records([[case, ...], ...])``."""

    def make(many):
        found = []
        for number, cases in enumerate(many):
            one = copy.deepcopy(record)
            one["datetime"] = f"2026-{1 + number // 28:02}-{1 + number % 28:02}T00:00:00+00:00"
            one["mlms"]["cases"] = copy.deepcopy(cases)
            found.append((f"r{number:03}", one))
        return found

    return make


@pytest.fixture
def timed(timed_result):
    base = case_record(timed_result())
    return lambda value, **changes: {**base, "measured": float(value), **changes}


@pytest.fixture
def exact(accuracy_result):
    base = case_record(accuracy_result())

    def make(value=99.4, digest="a", **changes):
        return {**base, "measured": value, "predictions": {"sha256": digest * 64}, **changes}

    return make


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(1, 0.02, n)


def only(found):
    (case,) = found.cases
    return case


def test_a_slower_level_is_found_with_what_changed_along(records, timed):
    figures = noise(30)
    figures[20:] *= 1.2
    found = records([[timed(value)] for value in figures])
    for _, record in found[20:]:
        record["mlms"]["cases"][0]["software"]["version"] = "9.0"
    shown = history(list(reversed(found)))  # whatever order they come in
    (change,) = only(shown).changes
    assert (change.record, change.worse, change.certain) == ("r020", True, False)
    assert change.after / change.before == pytest.approx(1.2, rel=0.03)
    (explanation,) = change.explanations
    assert (explanation.effect, explanation.causes[0].facts[0].b) == ("time", "9.0")
    assert shown.worse(["change"]) == ("vad-latency-onnxruntime-cpu: worse since r020",)


def test_a_quicker_level_is_no_failure(records, timed):
    figures = noise(30)
    figures[20:] /= 1.2
    shown = history(records([[timed(value)] for value in figures]))
    assert [change.worse for change in only(shown).changes] == [False]
    assert shown.worse() == ()


def test_a_history_of_many_cases_in_which_nothing_changed_is_quiet_at_the_stated_rate(records, timed):
    """200 histories of 10 cases and 12 records; the alarm is that of all cases together."""
    draw, rate, seen = np.random.default_rng(0), 0.05, 0
    bare = {"runs": [], "latencies_s": None}
    for _ in range(200):
        days = [[timed(draw.lognormal(0, 0.05), id=f"c{n}", **bare) for n in range(10)] for _ in range(12)]
        shown = history([(f"{n:02}", _light(cases, n)) for n, cases in enumerate(days)], rate)
        seen += any(case.changes or case.drift for case in shown.cases)
    assert seen / 200 <= rate + 3 * math.sqrt(rate * (1 - rate) / 200)


def _light(cases, day):
    """A record with no more than a history asks for."""
    about = {"machine": {}, "software": {}, "settings": {}, "cases": cases}
    return {"datetime": f"2026-01-{day + 1:02}", "commit_info": {}, "mlms": about}


def test_a_figure_that_drifts_is_told_and_fails_where_it_goes_the_wrong_way(records, timed):
    for sign, worse in ((1, True), (-1, False)):
        shown = history(records([[timed(value)] for value in noise(30) + sign * 0.01 * np.arange(30)]))
        case = only(shown)
        assert case.drift.slope == pytest.approx(sign * 0.01, rel=0.3)
        assert (case.changes, case.worse_drift) == ((), worse)
        assert bool(shown.worse(["drift"])) == worse


def test_an_exact_figure_needs_no_test(records, exact):
    shown = history(records([[exact()], [exact()], [exact(98.0, "b")], [exact(98.0, "b")]]))
    (change,) = only(shown).changes
    assert (change.record, change.before, change.after, change.certain, change.worse) == (
        "r002",
        99.4,
        98.0,
        True,
        True,
    )
    assert shown.tested == 0


def test_other_answers_with_the_same_figure_are_a_change_that_is_not_worse(records, exact):
    shown = history(records([[exact()], [exact()], [exact(digest="b")]]))
    assert [(change.before, change.after, change.worse) for change in only(shown).changes] == [(99.4, 99.4, False)]


def test_answers_that_go_to_and_fro_are_flaky_and_have_no_level(records, exact):
    shown = history(records([[exact(digest=digest)] for digest in "abab"]))
    case = only(shown)
    assert case.flaky == ("2 different sets of answers in 4 records of the same software",)
    assert case.changes == ()
    assert shown.worse(["flaky"]) == (f"{case.id}: {case.flaky[0]}",)


def test_a_verdict_that_goes_to_and_fro_is_flaky(records, timed):
    words = ["confirmed", "refuted", "confirmed", "confirmed"]
    case = only(history(records([[timed(1.0, verdict=word)] for word in words])))
    assert case.flaky == ("the verdict changed 2 times in 4 records of the same software",)


def test_a_verdict_that_follows_the_software_is_not_flaky(records, exact):
    cases = [exact(verdict=word) for word in ("confirmed", "refuted", "confirmed")]
    cases[1]["software"] = {**cases[1]["software"], "version": "2.0"}
    assert only(history(records([[case] for case in cases]))).flaky == ()


def test_other_conditions_or_another_machine_are_another_series(records, timed):
    found = [timed(9.0) for _ in range(10)] + [timed(1.0) for _ in range(5)]
    for case in found[:5]:
        case["conditions"] = {**case["conditions"], "threads": 8}
    for case in found[5:10]:
        case["machine"] = {"name": "Another", "arch": "x86_64"}
    case = only(history(records([[one] for one in found])))
    assert (len(case.series.points), case.series.others) == (5, 10)
    assert "machine.name" in {fact.place for fact in case.series.differing}
    assert case.changes == ()


def test_a_disturbed_figure_is_left_out(records, timed):
    found = [timed(1.0)] * 3 + [timed(9.0, watched={"throttled": ["heat"]})]
    case = only(history(records([[one] for one in found])))
    assert (len(case.series.points), case.series.disturbed) == (3, 1)
    assert is_disturbed(found[-1])


@pytest.mark.parametrize(("uses", "left_out"), [("used marked marked", True), ("used used marked repeated", False)])
def test_a_figure_of_which_most_runs_are_marked_is_left_out(timed, uses, left_out):
    runs = [{"use": use, "why": ["somebody computed"] if use != "used" else []} for use in uses.split()]
    assert is_disturbed(timed(1.0, runs=[1.0, 1.0, 1.0], watched={"disturbed": "repeat", "runs": runs})) == left_out


def test_a_case_that_is_gone_fails(records, timed, exact):
    shown = history(records([[timed(1.0), exact()], [exact()]]))
    assert shown.worse(["vanished"]) == ("vad-latency-onnxruntime-cpu: vanished after r000",)


def test_another_machine_than_before_is_said(records, timed):
    found = records([[timed(1.0)], [timed(1.0)]])
    found[1][1]["mlms"]["machine"]["name"] = "Another"
    shown = history(found)
    assert [fact.b for fact in shown.machine] == ["Another"]
    assert shown.worse() == ()
    assert len(shown.worse(["machine"])) == 1


def test_a_case_that_never_had_a_figure(records, timed):
    broken = timed(1.0, verdict="error", kind=None)
    broken["measured"] = None
    shown = history(records([[broken], [broken]]))
    assert (only(shown).changes, shown.worse()) == ((), ())


def test_a_wrong_call(records, timed):
    with pytest.raises(UsageError, match="no records"):
        history([])
    with pytest.raises(UsageError, match='called "drifts"'):
        history(records([[timed(1.0)]])).worse(["drifts"])


def test_every_record_against_itself_is_quiet(record):
    shown = history([("a", record), ("b", record)])
    assert shown.worse(FAILURES) == ()
    assert len(shown.cases) == 2
    assert all(key_of(case) for case in record["mlms"]["cases"])

"""Reports for programs, and what all reports have in common."""

from __future__ import annotations

import inspect
import json

import pytest

from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.interfaces.report import Report
from pytest_mlmodelscope.record.compare import Figure
from pytest_mlmodelscope.record.diff import Difference
from pytest_mlmodelscope.reports import json as report


def test_a_session(cases):
    found = json.loads(report.session(cases))
    assert found["counts"] == {"confirmed": 2, "refuted": 1, "inconclusive": 1, "not_applicable": 1, "error": 1}
    assert [case["id"] for case in found["cases"]] == [case["id"] for case in cases]
    assert "latencies_s" not in found["cases"][1]


def test_a_difference_has_every_field(changed):
    found = json.loads(report.difference(changed))
    assert found.keys() == {*Difference.__dataclass_fields__, "worse"}
    assert found["figures"][0].keys() == set(Figure.__dataclass_fields__)
    assert found["machine"] == [{"place": "kernel", "a": "6.1", "b": "7.0"}]
    assert found["verdicts"][0]["worse"] is True


def test_what_a_gate_may_fail_on_is_sorted_by_kind(changed):
    worse = json.loads(report.difference(changed))["worse"]
    assert {kind: len(found) for kind, found in worse.items()} == {
        "verdict": 1,
        "vanished": 2,
        "figures": 2,
        "machine": 0,
    }


def test_a_change_without_bound_is_null(two):
    from pytest_mlmodelscope.record.diff import diff

    before, after = two
    before["mlms"]["cases"][0]["measured"] = -1.7e308
    after["mlms"]["cases"][0]["measured"] = 1.7e308
    found = json.loads(report.difference(diff(before, after)), parse_constant=pytest.fail)
    assert found["figures"][0]["absolute"] is None


@pytest.mark.parametrize("name", names("reports"))
def test_every_report_keeps_its_word(name, cases, changed, unchanged):
    module = member("reports", name)
    for function in ("session", "difference"):
        wanted = list(inspect.signature(getattr(Report, function)).parameters)[1:]
        assert list(inspect.signature(getattr(module, function)).parameters) == wanted
    for text in (module.session(cases), module.session([]), module.difference(changed), module.difference(unchanged)):
        assert isinstance(text, str)
        assert not text.endswith("\n")


def test_the_reports_that_come_with_the_package():
    assert set(names("reports")) >= {"terminal", "markdown", "json"}

"""A session with every verdict, and a difference with every kind of change."""

from __future__ import annotations

import copy

import pytest

from pytest_mlmodelscope.core.result import Verdict
from pytest_mlmodelscope.record.build import build
from pytest_mlmodelscope.record.case import case_record
from pytest_mlmodelscope.record.diff import diff

LONG = "the-language-detector-of-size-l-on-the-big-test-of-sixty-languages-with-all-sixty-thousand-lines-of-it"


@pytest.fixture
def cases(accuracy_result, timed_result):
    """One case of each verdict; the names are long, the reasons have several lines."""
    known = {"verdict": ["refuted"], "reason": "99.348 is printed as 99.4 in the source", "matched": True}
    found = [
        case_record(accuracy_result()),
        case_record(timed_result()),
        case_record(accuracy_result(99.348, word="refuted"), known),
        case_record(accuracy_result(measurement=None, verdict=Verdict("not_applicable", "no GPU\n  try: another"))),
        case_record(accuracy_result(measurement=None, verdict=Verdict("error", "the worker died of signal 11"))),
        case_record(accuracy_result(word="inconclusive")),
    ]
    for number, name in ((2, LONG), (3, "on-gpu"), (4, "crashing"), (5, "few-items")):
        found[number].update(id=f"{name}-python-cpu", claim=name)
    return found


@pytest.fixture
def two(cases):
    """Two records of these cases, the second one to be changed."""
    record = build(cases, {"kernel": "6.1", "facts": {"cores": 2}}, {"numpy": "2.0"}, {"id": "a" * 40}, {})
    return record, copy.deepcopy(record)


@pytest.fixture
def changed(two, accuracy_result, timed_result):
    """A difference with every kind of change."""
    before, after = two
    ours, found = after["mlms"], after["mlms"]["cases"]
    ours["machine"]["kernel"] = "7.0"
    ours["software"]["numpy"] = "2.4"
    after["commit_info"]["id"] = "b" * 40
    found[0].update(case_record(accuracy_result(98.0, word="refuted")))
    found[1].update(case_record(timed_result(runs=(0.22, 0.23, 0.24))))
    found[2].update(model_digest="0" * 64, published=99.3)
    found[5].update(id="new-python-cpu", claim="new")
    del found[4]
    return diff(before, after, ("before.json", "after.json"))


@pytest.fixture
def unchanged(two):
    """A difference of a record and itself."""
    return diff(two[0], two[0])

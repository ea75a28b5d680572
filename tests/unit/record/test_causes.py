"""What may explain a change: the differences that the cases that changed share."""

from __future__ import annotations

import copy
import random

import pytest

from pytest_mlmodelscope.record.case import case_record
from pytest_mlmodelscope.record.causes import EFFECTS, POSSIBLE, USUAL
from pytest_mlmodelscope.record.diff import diff

SLOW, QUICK = (0.22, 0.23, 0.24, 0.23, 0.22), (0.11, 0.12, 0.12, 0.12, 0.13)


@pytest.fixture
def timed_case(timed_result):
    """A timed case with a name and a framework of its own: ``timed_case("a", "pytorch", runs=...)``."""

    def make(name, framework="onnxruntime", runs=QUICK, **software):
        about = {"framework": framework, "version": "1.0", "threads": 1, **software}
        case = case_record(timed_result(runs=runs, software=about))
        return {**case, "id": name, "claim": name, "framework": framework}

    return make


@pytest.fixture
def records(record):
    """Two records of these cases, the second's changed by whoever asks."""

    def make(cases):
        record["mlms"]["cases"] = cases
        return record, copy.deepcopy(record)

    return make


def slow_down(case):
    case.update(runs=list(SLOW), measured=0.23)


def explained(a, b, effect="time"):
    (found,) = [one for one in diff(a, b).explanations if one.effect == effect]
    return found


def test_what_only_the_slower_cases_have_comes_first(records, timed_case):
    a, b = records([timed_case(f"c{n}", "pytorch" if n < 3 else "onnxruntime") for n in range(6)])
    for case in b["mlms"]["cases"]:
        case["software"]["threads"] = 2  # of all of them
        if case["framework"] == "pytorch":
            case["software"]["version"] = "2.0"
            slow_down(case)
    found = explained(a, b)
    first, second = found.causes
    assert found.changed == first.explains == ("c0", "c1", "c2")
    assert (first.kind, first.facts[0].place, first.facts[0].b) == ("framework", "pytorch.version", "2.0")
    assert first.spared == ()
    assert first.p == pytest.approx(1 / 20)  # one of the 20 threes among six
    assert (second.kind, len(second.spared), second.p) == ("threads", 3, None)


def test_two_causes_cover_what_one_does_not(records, timed_case):
    a, b = records([timed_case(f"c{n}", ("pytorch", "jax", "onnxruntime")[n // 2]) for n in range(6)])
    for case in b["mlms"]["cases"][:4]:
        slow_down(case)
    for case in b["mlms"]["cases"][:2]:
        case["software"]["version"] = "2.0"
    for case in b["mlms"]["cases"][2:4]:
        case["software"]["threads"] = 2
    found = explained(a, b)
    assert {cause.kind for cause in found.causes} == {"framework", "threads"}
    assert set(found.causes[0].explains) | set(found.causes[1].explains) == set(found.changed)
    assert found.unexplained == ()


def test_what_no_record_explains_is_said(records, timed_case):
    a, b = records([timed_case("c0"), timed_case("c1")])
    slow_down(b["mlms"]["cases"][0])
    found = explained(a, b)
    assert (found.causes, found.unexplained) == ((), ("c0",))


def test_an_edited_claim_explains_a_verdict_and_no_figure(records, timed_case):
    a, b = records([timed_case("c0"), timed_case("c1")])
    edited, slower = b["mlms"]["cases"]
    edited.update(published=0.01, verdict="refuted")
    slower.update(published=0.01)
    slow_down(slower)
    assert [cause.kind for cause in explained(a, b, "verdict").causes] == ["claim"]
    assert explained(a, b, "time").causes == ()


def test_a_package_of_the_host_does_not_explain_a_models_time(records, timed_case):
    a, b = records([timed_case("c0")])
    slow_down(b["mlms"]["cases"][0])
    b["mlms"]["software"]["numpy"] = "9.9"
    assert explained(a, b).causes == ()


def test_another_machine_is_a_cause_and_said_by_itself(records, timed_case):
    a, b = records([timed_case("c0"), timed_case("c1")])
    a["mlms"]["machine"]["name"] = "One"
    b["mlms"]["machine"].update(name="Another", kernel="9.0")
    for case in b["mlms"]["cases"]:
        slow_down(case)
    found = diff(a, b)
    assert found.elsewhere == ("c0", "c1")
    assert found.worse(["machine"]) == ("c0: was timed on another machine", "c1: was timed on another machine")
    machine, system = explained(a, b).causes
    assert (machine.kind, machine.usual, system.kind, system.usual) == ("machine", True, "system", False)
    assert machine.p is None  # nothing stayed where it was


def test_a_throttled_device_is_a_cause(records, timed_case):
    a, b = records([timed_case("c0"), timed_case("c1")])
    slow_down(b["mlms"]["cases"][0])
    b["mlms"]["cases"][0]["watched"] = {"throttled": ["power cap"]}
    assert [cause.kind for cause in explained(a, b).causes] == ["disturbed"]


def test_other_data_explain_another_accuracy(record, accuracy_result):
    other = copy.deepcopy(record)
    other["mlms"]["cases"][0].update(case_record(accuracy_result(value=98.0, data_digest="f" * 64)))
    (cause,) = explained(record, other, "decisions").causes
    assert (cause.kind, cause.facts[0].place) == ("data", "data_digest")


def test_every_kind_and_effect_is_known_to_both_tables():
    assert set(POSSIBLE) <= set(USUAL)
    assert {effect for table in (USUAL, POSSIBLE) for effects in table.values() for effect in effects} <= set(EFFECTS)
    assert not any(set(USUAL[kind]) & set(POSSIBLE.get(kind, ())) for kind in USUAL)


def test_a_planted_cause_is_named_first_nine_times_in_ten(records, timed_case):
    """Sessions of 12 cases on 3 frameworks; one planted difference slows down those that have it, and 5 others do
    nothing, each of which a random half of the cases has.
    """
    draw = random.Random(0)
    named = 0
    for _ in range(100):
        # Without process runs the intervals are compared, which takes no time.
        a, b = records([{**timed_case(f"c{n}", f"framework{n % 3}"), "runs": []} for n in range(12)])
        cases = b["mlms"]["cases"]
        for place in ("version", "build", "device", "providers", "arch"):
            for case in draw.sample(cases, 6):
                case["software"][place] = "other"
        for case in draw.sample(cases, draw.randint(3, 8)):
            case["software"]["threads"] = 4
            case.update(measured=0.23, interval={**case["interval"], "low": 0.22, "high": 0.24})
        named += explained(a, b).causes[0].kind == "threads"
    assert named >= 90

"""Two records side by side: every kind of change."""

from __future__ import annotations

import copy
import itertools
import random

import pytest

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.result import WORDS, Verdict
from pytest_mlmodelscope.record.case import case_record
from pytest_mlmodelscope.record.compare import Fact
from pytest_mlmodelscope.record.diff import RANK, diff, match

WORSE = [("confirmed", word) for word in WORDS if word != "confirmed"] + [
    ("inconclusive", "refuted"),
    ("not_applicable", "refuted"),
    ("inconclusive", "error"),
    ("not_applicable", "error"),
    ("refuted", "error"),
]


@pytest.fixture
def other(record):
    """A second record, the same at first."""
    return copy.deepcopy(record)


def cases(record):
    return record["mlms"]["cases"]


def test_a_record_against_itself(record, other):
    found = diff(record, other)
    assert not any((found.machine, found.software, found.settings, found.claims))
    assert not any((found.verdicts, found.vanished, found.new))
    assert [figure.judgement for figure in found.figures] == ["same", "same"]
    assert found.compared == 2
    assert found.worse() == ()


def test_another_machine(record, other):
    other["mlms"]["machine"].update(kernel="7.0", name="Another CPU", facts={"cores": 64})
    found = diff(record, other)
    assert {fact.place: fact.b for fact in found.machine} == {
        "kernel": "7.0", "name": "Another CPU", "facts.cores": 64,
    }  # fmt: skip
    assert found.worse() == ()


def test_load_says_nothing_about_which_machine_it_is(record, other):
    other["mlms"]["machine"]["load_average"] = [9.0, 9.0, 9.0]
    assert diff(record, other).machine == ()


def test_another_library_in_the_host(record, other):
    before = record["mlms"]["software"]["numpy"]
    other["mlms"]["software"]["numpy"] = "9.9"
    del other["mlms"]["software"]["uv"]
    found = diff(record, other).software
    assert Fact("numpy", before, "9.9") in found
    assert [fact.b for fact in found if fact.place == "uv"] == [None]


def test_another_framework_in_the_worker_is_told_once(record, other, accuracy_result):
    for each, version in ((record, "1.0.6"), (other, "2.0.0")):
        twin = case_record(accuracy_result(software={"framework": "python", "version": version}))
        cases(each)[0]["software"]["version"] = version
        cases(each).append({**twin, "id": "twin-python-cpu", "claim": "twin"})
    assert diff(record, other).software == (Fact("python.version", "1.0.6", "2.0.0"),)


def test_a_worker_that_never_ran_says_nothing_of_its_software(record, other):
    cases(other)[0]["software"] = {}
    assert diff(record, other).software == ()


def test_another_commit_and_other_settings(record, other):
    record["commit_info"].update(id="a" * 40, dirty=False)
    other["commit_info"].update(id="b" * 40, dirty=True, time="later")
    other["mlms"]["settings"]["offline"] = True
    places = [fact.place for fact in diff(record, other).settings]
    assert places == ["commit.id", "commit.dirty", "offline"]


def test_a_claim_that_was_edited(record, other):
    cases(other)[0]["published"] = 98.0
    cases(other)[0]["tolerance"]["amount"] = 1.0
    assert [fact.place for fact in diff(record, other).claims] == ["eld-m.published", "eld-m.tolerance.amount"]


@pytest.mark.parametrize(("before", "after"), WORSE)
def test_verdicts_that_are_worse(record, other, before, after):
    cases(record)[0]["verdict"], cases(other)[0]["verdict"] = before, after
    found = diff(record, other)
    assert [(change.a, change.b, change.worse) for change in found.verdicts] == [(before, after, True)]
    assert found.worse(["verdict"]) == (f"eld-m-python-cpu: {before} -> {after}",)


@pytest.mark.parametrize(("before", "after"), sorted(set(itertools.permutations(WORDS, 2)) - set(WORSE)))
def test_verdicts_that_changed_and_are_not_worse(record, other, before, after):
    cases(record)[0]["verdict"], cases(other)[0]["verdict"] = before, after
    found = diff(record, other)
    assert [change.worse for change in found.verdicts] == [False]
    assert found.worse() == ()


def test_every_verdict_has_a_rank():
    assert RANK.keys() == set(WORDS)


def test_a_case_that_vanished(record, other):
    del cases(other)[0]
    found = diff(record, other)
    assert [(case.id, case.verdict) for case in found.vanished] == [("eld-m-python-cpu", "confirmed")]
    assert found.worse(["vanished"]) == ("eld-m-python-cpu: vanished (was confirmed)",)
    assert found.worse(["verdict", "figures"]) == ()


def test_a_case_that_is_new(record, other):
    del cases(record)[1]
    found = diff(record, other)
    assert [case.id for case in found.new] == ["vad-latency-onnxruntime-cpu"]
    assert found.worse() == ()


def test_an_empty_record_lost_everything(record, other):
    other["mlms"]["cases"] = []
    assert len(diff(record, other).worse()) == 2


def test_a_slower_figure(record, other, timed_result):
    cases(other)[1].update(case_record(timed_result(runs=(0.22, 0.23, 0.24))))
    found = diff(record, other)
    assert found.worse() == ("vad-latency-onnxruntime-cpu: 0.12 -> 0.23 ms (+91.7%)",)
    assert found.worse(["verdict", "vanished"]) == ()


def test_a_figure_of_another_model_is_shown_and_not_judged(record, other, accuracy_result):
    cases(other)[0].update(case_record(accuracy_result(value=1.0)), model_digest="another")
    found = diff(record, other)
    assert found.figures[0].judgement == "not_comparable"
    assert found.worse() == ()


def test_a_case_that_could_not_be_measured_has_a_verdict_and_no_figure(record, other, accuracy_result):
    lost = accuracy_result(measurement=None, verdict=Verdict("not_applicable", "no GPU"))
    cases(other)[0].update(case_record(lost))
    found = diff(record, other)
    assert [figure.id for figure in found.figures] == ["vad-latency-onnxruntime-cpu"]
    assert found.verdicts[0].reason == "no GPU"


def test_the_order_of_cases_says_nothing(record, other):
    cases(other).reverse()
    assert diff(record, other).worse() == ()
    assert diff(record, other).vanished == ()


def test_a_case_on_another_target_belongs_to_the_same_claim_and_framework(record, other):
    cases(other)[1].update(id="vad-latency-onnxruntime-arm", target="arm")
    found = diff(record, other)
    assert (found.vanished, found.new, found.compared) == ((), (), 2)


def test_the_id_counts_more_than_claim_and_framework():
    def case(name):
        return {"id": name, "claim": "c", "framework": "f"}

    pairs, vanished, new = match([case("one"), case("two")], [case("two"), case("three")])
    assert [(a["id"], b["id"]) for a, b in pairs] == [("two", "two"), ("one", "three")]
    assert (vanished, new) == ([], [])


def test_cases_that_cannot_be_told_apart_are_not_guessed():
    def case(name):
        return {"id": name, "claim": "c", "framework": "f"}

    pairs, vanished, new = match([case("one"), case("two")], [case("three"), case("four")])
    assert pairs == []
    assert [len(vanished), len(new)] == [2, 2]


def test_a_session_that_holds_a_case_twice(record, other):
    cases(other).append(copy.deepcopy(cases(other)[0]))
    found = diff(record, other)
    assert (found.compared, found.vanished) == (2, ())
    assert [case.id for case in found.new] == ["eld-m-python-cpu"]


def test_a_kind_of_failure_that_does_not_exist(record, other):
    with pytest.raises(UsageError, match="verdits") as raised:
        diff(record, other).worse(["verdits"])
    assert raised.value.hint == 'did you mean "verdict"?'


def test_numbers_at_the_edge_of_what_a_float_holds(record, other):
    cases(record)[0].update(measured=-1.7e308)
    cases(other)[0].update(measured=1.7e308)
    assert diff(record, other).figures[0].absolute == float("inf")


def test_a_hundred_random_pairs_never_break(record):
    dice = random.Random(1)
    words = list(WORDS)
    for _ in range(100):
        one, two = copy.deepcopy(record), copy.deepcopy(record)
        for case in [*cases(one), *cases(two)]:
            case["verdict"] = dice.choice(words)
            case["measured"] = dice.choice([None, 0, -1.5, 1e300, 99.4])
            case["runs"] = dice.choice([[], [1.0], [0.0, 1.0, 2.0], [None, 1, 2, 3], [5, 5, 5]])
            case["interval"] = dice.choice([None, {"low": None, "high": 1, "confidence": 1, "method": ""}])
            case["census"] = dice.choice([True, False])
        found = diff(one, two)
        assert found.compared == 2
        assert len(found.verdicts) >= sum(sentence.count("->") for sentence in found.worse(["verdict"]))

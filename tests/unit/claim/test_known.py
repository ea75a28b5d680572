"""Accepted verdicts: which entry speaks of a case, and what an entry may say."""

from __future__ import annotations

import itertools

import pytest

from pytest_mlmodelscope.claim.known import Known, find_known, load_known
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.core.result import WORDS

ONE = """\
schema: known/1
known:
- claim: eld-m
  verdict: refuted
  reason: the printed figure is a misprint
- claim: other
  framework: python
  target: gpu
  verdict: [inconclusive, confirmed]
  reason: on the edge
"""


@pytest.fixture
def write(tmp_path):
    def write_text(text):
        path = tmp_path / "known.yml"
        path.write_text(text)
        return path

    return write_text


def entry(reason="r", claim="eld-m", verdicts=("refuted",), **where):
    return Known(claim, frozenset(verdicts), reason, **where)


# -- reading --------------------------------------------------------------------------------------


def test_entries_are_read_with_their_lines(write):
    first, second = load_known(write(ONE))
    assert (first.claim, first.verdicts, first.reason) == ("eld-m", {"refuted"}, "the printed figure is a misprint")
    assert (first.framework, first.target) == (None, None)
    assert (second.framework, second.target, second.verdicts) == ("python", "gpu", {"inconclusive", "confirmed"})
    assert first.where.endswith("known.yml:3")
    assert second.where.endswith("known.yml:6")


def test_a_list_of_nothing_accepts_nothing(write):
    assert load_known(write("schema: known/1\nknown: []\n")) == []


@pytest.mark.parametrize("word", [word for word in WORDS if word != "confirmed"])
def test_every_verdict_but_a_confirmation_can_be_accepted(write, word):
    (found,) = load_known(write(f"schema: known/1\nknown: [{{claim: c, verdict: {word}, reason: a misprint}}]\n"))
    assert found.verdicts == {word}


BROKEN = {
    "no reason": ("  reason: the printed figure is a misprint\n", "", 3, 'key "reason" is missing'),
    "an empty reason": ("the printed figure is a misprint", '""', 5, "is too short"),
    "no claim": ("- claim: eld-m\n  verdict", "- verdict", 3, 'key "claim" is missing'),
    "another word": ("verdict: refuted", "verdict: refutd", 4, "is not one of the choices"),
    "a misspelt key": ("target: gpu", "taget: gpu", 8, 'unknown key "taget"'),
    "only a confirmation": ("verdict: refuted", "verdict: confirmed", 4, "is not one of the choices"),
    "a verdict that is none": ("[inconclusive, confirmed]", "[inconclusive, maybe]", 9, "is not one of the choices"),
    "no verdict at all": ("[inconclusive, confirmed]", "[]", 9, "verdict"),
    "another schema": ("schema: known/1", "schema: known/9", 1, "was expected"),
}


@pytest.mark.parametrize("mistake", BROKEN)
def test_a_mistake_is_told_with_its_line(write, mistake):
    old, new, line, words = BROKEN[mistake]
    assert old in ONE
    with pytest.raises(DocumentError, match=words) as refused:
        load_known(write(ONE.replace(old, new)))
    assert refused.value.where.endswith(f"known.yml:{line}")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DocumentError, match="cannot be read"):
        load_known(tmp_path / "nowhere.yml")


# -- finding --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "covers"),
    [
        (entry(), True),
        (entry(framework="python"), True),
        (entry(target="cpu"), True),
        (entry(framework="python", target="cpu"), True),
        (entry(claim="eld-l"), False),
        (entry(claim="eld"), False),
        (entry(framework="onnxruntime"), False),
        (entry(target="gpu"), False),
        (entry(framework="python", target="gpu"), False),
        (entry(framework="onnxruntime", target="cpu"), False),
    ],
)
def test_an_entry_speaks_of_what_it_names_and_of_nothing_else(make_case, known, covers):
    assert known.covers(make_case()) is covers


def test_without_an_entry_nothing_is_accepted(make_case):
    assert find_known([], make_case()) is None
    assert find_known([entry(claim="other"), entry(target="gpu")], make_case()) is None


PRECISE = entry("precise", framework="python", target="cpu")
FRAMEWORK = entry("framework", framework="python")
TARGET = entry("target", target="cpu")
GENERAL = entry("general")


@pytest.mark.parametrize("order", list(itertools.permutations([PRECISE, FRAMEWORK, GENERAL])))
def test_the_entry_that_names_more_wins_wherever_it_stands(make_case, order):
    assert find_known(order, make_case()) is PRECISE


@pytest.mark.parametrize("specific", [FRAMEWORK, TARGET])
def test_a_framework_or_a_target_is_more_than_neither(make_case, specific):
    assert find_known([GENERAL, specific], make_case()) is specific
    assert find_known([specific, GENERAL], make_case()) is specific


def test_of_equals_the_first_wins(make_case):
    first, second = entry("first"), entry("second")
    assert find_known([first, second], make_case()) is first
    assert find_known([second, first], make_case()) is second


def test_an_entry_for_another_framework_leaves_the_general_one(make_case):
    other = entry("elsewhere", framework="onnxruntime", target="cpu")
    assert find_known([other, GENERAL], make_case()) is GENERAL
    assert find_known([other, GENERAL], make_case(framework="onnxruntime")) is other

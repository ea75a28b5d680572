"""What may explain a difference, in words: what was decided otherwise, and the causes with their evidence."""

from __future__ import annotations

import copy
import dataclasses

import pytest

from pytest_mlmodelscope.record.causes import Cause, Explanation
from pytest_mlmodelscope.record.compare import Fact
from pytest_mlmodelscope.record.diff import diff
from pytest_mlmodelscope.record.flips import Flip
from pytest_mlmodelscope.record.history import history
from pytest_mlmodelscope.reports import _history, markdown, terminal

FRAMEWORK = Cause("framework", (Fact("pytorch.version", "1.0", "2.0"),), ("c0", "c1"), (), True, 0.01)
THREADS = Cause("threads", tuple(Fact(f"t{n}", 1, 2) for n in range(5)), ("c0",), ("c7", "c8"), True, 0.6)
WEAK = dataclasses.replace(FRAMEWORK, kind="host", p=0.3)
EVERYWHERE = dataclasses.replace(FRAMEWORK, kind="machine", p=None)
FLIPS = (
    Flip("some", 200, 13, 12, 1, 0.0034, 0.25, (("item 0", 9, 0, 0),)),
    Flip("numerics", 200, 0, 0, 0, 1.0, 0.5),
    Flip("absent", 0, why={"differing": "the predictions differ; the files of items are not both here"}),
)


@pytest.fixture
def told(record):
    found = diff(record, copy.deepcopy(record))
    causes = (FRAMEWORK, THREADS, WEAK, EVERYWHERE, FRAMEWORK)
    why = (Explanation("time", ("c0", "c1"), causes, ()), Explanation("decisions", ("c3",), (), ("c3",)))
    return dataclasses.replace(found, flips=FLIPS, explanations=why, elsewhere=("c0",))


def test_causes_stand_with_what_they_rest_on(told):
    text = terminal.difference(told, width=160)
    assert "faster or slower (2 cases)\n" in text
    assert "1. framework (pytorch.version 1.0 -> 2.0): in all that changed, in none of the others (p 0.01)\n" in text
    assert "2. threads (t0 1 -> 2, t1 1 -> 2, t2 1 -> 2 and 2 more): in 1 of them, and in 2 that did not change" in text
    assert "in none of the others (p 0.3, which proves little)" in text
    assert "4. machine (pytorch.version 1.0 -> 2.0): in all that changed; no unchanged case to compare with" in text
    assert "5. and 1 less likely" in text
    assert "1. nothing that the records hold differs for c3: chance, or what no record says" in text


def test_answers_are_counted_and_named(told):
    text = terminal.difference(told, width=160)
    expected = (
        "some: 13 of 200 items decided otherwise, 12 lost, 1 won (McNemar's exact p 0.0034), outputs at most 0.25 apart"
    )
    assert expected in text
    assert "\n    item 0: 9 -> 0 (right: 0)\n" in text
    assert "numerics: numerics only: all 200 decisions are the same, outputs at most 0.5 apart" in text
    assert "absent: the predictions differ; the files of items are not both here" in text


def test_another_machine_stands_in_the_first_lines(told):
    assert "ANOTHER MACHINE" in terminal.difference(told, width=160).split("\n\n", maxsplit=1)[0]
    assert "**Another machine**" in markdown.difference(told)


def test_two_models_that_are_one_now_are_a_warning(record):
    other = copy.deepcopy(record)
    other["mlms"]["findings"] = [{"kind": "twins", "text": "one and two are two names of one model, it seems"}]
    found = diff(record, other)
    assert "WARNING: one and two are two names of one model" in terminal.difference(found)
    assert "**Warning**: one and two" in markdown.difference(found)
    assert diff(other, other).findings == ()
    shown = history([("a", record), ("b", {**other, "datetime": "9999"})])
    assert "WARNING: one and two are" in _history.shown(shown, 80, False)


def test_narrow_terminals_and_markdown_have_all_of_it(told):
    assert max(map(len, terminal.difference(told, width=60).splitlines())) <= 79
    text = markdown.difference(told)
    assert "#### Answers" in text
    assert "\n1. framework (pytorch.version 1.0 -&gt; 2.0): in all that changed" in text

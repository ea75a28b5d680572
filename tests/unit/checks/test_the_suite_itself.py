"""The suite of checks can fail: one broken fake a rule, and each fails that rule."""

from types import SimpleNamespace

import numpy as np
import pytest

from pytest_mlmodelscope.interfaces.check import Breach, Seen
from pytest_mlmodelscope.testing.checks import CheckTests, Example

CLOSED = {"type": "object", "additionalProperties": False, "properties": {}}
RULES = sorted(name for name in dir(CheckTests) if name.startswith("test_"))


def first_negative(query, outputs):
    for item, row in enumerate(outputs["y"]):
        if (np.asarray(row) < 0).any():
            return Breach("below zero", "y", item)
    return None


def make(options, subject):
    """No output is below zero."""
    return lambda query: Seen(breach=first_negative(query, subject.ask(query.tensors())))


def fake(**changes):
    """A check that keeps its word, save for what is changed."""
    good = {"__doc__": "No output is below zero.", "OPTIONS": CLOSED, "BESIDE": "nothing", "make": make}
    return SimpleNamespace(**{**good, **changes})


def failing(check, kept=True, broken=True):
    """The rules that a check breaks."""
    found = set()
    fields = {
        "check": check,
        "kept": (Example({}, np.abs),) if kept else (),
        "broken": (Example({}, lambda x: x),) if broken else (),
    }
    for rule in RULES:
        suite = type("Suite", (CheckTests,), fields)()
        try:
            getattr(suite, rule)()
        except AssertionError:
            found.add(rule)
    return found


def makes(look):
    return {"make": lambda options, subject: lambda query: look(query, subject.ask(query.tensors()))}


def changing(query, outputs):
    query.items[0]["x"][...] = 5
    return Seen(breach=first_negative(query, outputs))


def only_once():
    """Finds a breach the first time that it is asked, as one that remembers what it has seen."""

    def made(options, subject):
        asked = []

        def look(query):
            asked.append(query)
            breach = first_negative(query, subject.ask(query.tensors()))
            return Seen(breach=breach if len(asked) == 1 else None)

        return look

    return {"make": made}


def elsewhere(query, outputs):
    breach = first_negative(query, outputs)
    return Seen(breach=breach and Breach(breach.what, "y", breach.item + 1))


def test_a_check_that_keeps_its_word_breaks_no_rule():
    assert failing(fake()) == set()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"BESIDE": "a friend"}, "test_it_says_what_stands_beside_the_model"),
        ({"OPTIONS": {"type": "object"}}, "test_options_have_a_schema_that_describes_each_and_refuses_others"),
        (
            {"OPTIONS": {**CLOSED, "properties": {"examples": {"description": "how many", "type": "integer"}}}},
            "test_it_has_no_option_that_all_checks_have",
        ),
        ({"__doc__": None}, "test_it_says_what_it_is"),
        (makes(lambda q, o: Seen(breach=Breach("no", "y"))), "test_a_model_that_keeps_the_promise_is_let_be"),
        (makes(lambda q, o: Seen(float("nan"))), "test_a_model_that_keeps_the_promise_is_let_be"),
        (makes(lambda q, o: Seen()), "test_a_model_that_breaks_the_promise_is_found"),
        (makes(elsewhere), "test_a_model_that_breaks_the_promise_is_found"),
        (only_once(), "test_it_finds_the_same_each_time"),
        (makes(changing), "test_it_leaves_the_query_as_it_was"),
        (
            makes(lambda q, o: Seen(breach=first_negative(q, o), decided=1, differing=2)),
            "test_decisions_that_differ_are_among_those_it_compared",
        ),
    ],
)
def test_each_rule_notices_who_breaks_it(changes, rule):
    assert rule in failing(fake(**changes))


def test_a_check_without_examples_is_not_tested():
    assert "test_a_model_that_keeps_the_promise_is_let_be" in failing(fake(), kept=False)
    assert "test_a_model_that_breaks_the_promise_is_found" in failing(fake(), broken=False)

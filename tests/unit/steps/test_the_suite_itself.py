"""The suite of steps can fail: one broken fake a rule, and each fails just that rule."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from pytest_mlmodelscope.testing.steps import Example, StepTests

CLOSED = {
    "type": "object",
    "additionalProperties": False,
    "required": ["by"],
    "properties": {"by": {"description": "the factor", "type": "number"}},
}
RULES = {name: getattr(StepTests, name) for name in dir(StepTests) if name.startswith("test_")}


def doubling(options, context):
    return lambda value: value * options["by"]


def in_place(options, context):
    def step(value):
        value *= options["by"]
        return value.copy()

    return step


def counting(options, context):
    calls = itertools.count()
    return lambda value: value * options["by"] + next(calls)


def fake(**changes):
    """A step that keeps its word, save for what is changed."""
    return SimpleNamespace(**{"__doc__": "Multiply.", "OPTIONS": CLOSED, "make": doubling, **changes})


def failing(step, folder, refused=({"by": "two"},)):
    """The rules that a step breaks."""
    broken = set()
    for name, rule in RULES.items():
        example = Example({"by": 2}, np.array([1.0, 2.0]), np.array([2.0, 4.0]))
        members = {"step": step, "examples": (example,), "refused": refused}
        suite = type("Suite", (StepTests,), members)()
        try:
            rule(suite, *([folder] if "tmp_path" in rule.__annotations__ else []))
        except AssertionError:
            broken.add(name)
    return broken


def test_a_step_that_keeps_its_word_breaks_no_rule(tmp_path):
    assert failing(fake(), tmp_path) == set()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        (
            {"OPTIONS": {**CLOSED, "additionalProperties": True}},
            "test_options_have_a_schema_that_describes_each_and_refuses_others",
        ),
        (
            {"OPTIONS": {**CLOSED, "properties": {"by": {}}}},
            "test_options_have_a_schema_that_describes_each_and_refuses_others",
        ),
        ({"__doc__": " "}, "test_it_says_what_it_is"),
        ({"make": lambda options, context: lambda value: value + 1}, "test_it_gives_what_is_expected"),
        (
            {"make": lambda options, context: lambda value: (value * 2).astype(np.float32)},
            "test_it_gives_what_is_expected",
        ),
        ({"make": lambda options, context: lambda value: (value * 2)[None]}, "test_it_gives_what_is_expected"),
        ({"make": lambda options, context: lambda value: (value * 2).tolist()}, "test_it_gives_what_is_expected"),
        ({"make": in_place}, "test_it_leaves_its_argument_as_it_was"),
        (
            {"make_batched": lambda options, context: lambda values: values * 2 + np.arange(len(values))[:, None]},
            "test_many_at_once_are_the_same_as_one_by_one",
        ),
        (
            {"make_batched": lambda options, context: lambda values: (values * 2)[0]},
            "test_many_at_once_are_the_same_as_one_by_one",
        ),
        ({"make": counting}, "test_an_answer_does_not_depend_on_what_was_asked_before"),
    ],
)
def test_each_rule_notices_who_breaks_it(changes, rule, tmp_path):
    assert rule in failing(fake(**changes), tmp_path)


def test_options_that_ought_to_be_refused_are_asked_for(tmp_path):
    broken = failing(fake(), tmp_path, refused=({"by": 3},))
    assert broken == {"test_options_have_a_schema_that_describes_each_and_refuses_others"}


def test_a_step_without_examples_is_not_tested(tmp_path):
    suite = type("Suite", (StepTests,), {"step": fake()})()
    with pytest.raises(AssertionError, match="without an example"):
        suite.test_it_gives_what_is_expected(tmp_path)

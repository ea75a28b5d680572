"""What every check promises, as tests: subclass ``CheckTests`` and give models that keep it and that break it.

    class TestMine(CheckTests):
        check = "mine"
        kept = (Example({}, lambda x: x * 2),)
        broken = (Example({}, lambda x: x * float("nan"), output="y"),)

A model is a function of one array, ``x`` with one row an item; its answer is the output ``y``.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pytest_mlmodelscope.core.manifest import Input
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.check import COMMON_OPTIONS, Breach, Query, Seen, Tensors
from pytest_mlmodelscope.testing._member import OptionsTests

BESIDE = ("nothing", "process", "framework")
INPUTS = (Input("x", "float32", ("batch", 3)),)


@dataclass(frozen=True)
class Example:
    """Options, a model, and the one beside it (the same where there is none).

    ``item`` and ``output`` are where the breach shows; an output that is empty is the decision.
    """

    options: Mapping[str, Any]
    model: Callable[[Any], Any]
    beside: Callable[[Any], Any] | None = None
    item: int = 0
    output: str = "y"


@dataclass(frozen=True)
class _Functions:
    """Two functions as a check may ask them."""

    model: Callable[[Any], Any]
    beside: Callable[[Any], Any]

    def ask(self, tensors: Tensors) -> dict[str, Any]:
        return {"y": self.model(tensors["x"])}

    def ask_beside(self, tensors: Tensors) -> dict[str, Any]:
        return {"y": self.beside(tensors["x"])}

    def decide(self, outputs: Tensors, count: int) -> list[Any]:
        return [int(np.argmax(outputs["y"][place])) for place in range(count)]

    decide_beside = decide


def query() -> Query:
    """Three items of three numbers each."""
    rows = np.array([[1, -2, 3], [0.5, 0.25, -4], [7, 8, 9]], np.float32)
    return Query(INPUTS, tuple({"x": row} for row in rows), tuple(str(row) for row in rows))


class CheckTests(OptionsTests):
    """One test a rule. ``check`` is the registered name, or the module (or object) itself.

    ``refused`` are options that the check's schema must not let pass.
    """

    check: ClassVar[Any]
    kept: ClassVar[Sequence[Example]] = ()
    broken: ClassVar[Sequence[Example]] = ()

    def module(self) -> Any:
        """The check under test."""
        return member("checks", self.check) if isinstance(self.check, str) else self.check

    def allowed(self) -> Iterable[Mapping[str, Any]]:
        """Those of the examples."""
        return [example.options for example in (*self.kept, *self.broken)]

    def test_it_says_what_stands_beside_the_model(self) -> None:
        """So that the engine knows which workers to open."""
        assert self.module().BESIDE in BESIDE

    def test_it_has_no_option_that_all_checks_have(self) -> None:
        """Those are the engine's."""
        assert not set(COMMON_OPTIONS).intersection(self.module().OPTIONS.get("properties", {}))

    def test_a_model_that_keeps_the_promise_is_let_be(self) -> None:
        """No breach, and a difference that is a number."""
        assert self.kept, "a check without a model that keeps the promise is not tested"
        for example in self.kept:
            seen = self._look(example)
            assert seen.breach is None, f"finds a breach where there is none: {seen.breach}"
            assert 0 <= seen.difference < math.inf, f"{seen.difference} is no difference of two answers"

    def test_a_model_that_breaks_the_promise_is_found(self) -> None:
        """With a sentence, and the place at which it shows."""
        assert self.broken, "a check without a model that breaks the promise is not tested"
        for example in self.broken:
            breach = self._look(example).breach
            assert isinstance(breach, Breach), "finds no breach"
            assert breach.what.strip(), "a breach without a word"
            assert (breach.output, breach.item) == (example.output, example.item), "the breach shows elsewhere"

    def test_it_finds_the_same_each_time(self) -> None:
        """What is asked again while the input is made smaller must not depend on what was asked before."""
        for example in (*self.kept, *self.broken):
            look = self._made(example)
            first, second = look(query()), look(query())
            assert (first.breach is None) == (second.breach is None), "another answer for the same query"

    def test_it_leaves_the_query_as_it_was(self) -> None:
        """The query is kept as the counterexample."""
        for example in (*self.kept, *self.broken):
            given = query()
            before = copy.deepcopy(given.tensors())
            self._made(example)(given)
            np.testing.assert_array_equal(given.tensors()["x"], before["x"])

    def test_decisions_that_differ_are_among_those_it_compared(self) -> None:
        """Counts of items, for checks that compare decisions."""
        for example in (*self.kept, *self.broken):
            seen = self._look(example)
            assert 0 <= seen.differing <= seen.decided <= len(query().items)

    def _made(self, example: Example) -> Callable[[Query], Seen]:
        made: Callable[[Query], Seen] = self.module().make(
            example.options, _Functions(example.model, example.beside or example.model)
        )
        return made

    def _look(self, example: Example) -> Seen:
        return self._made(example)(query())

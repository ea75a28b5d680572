"""What every step promises, as tests: subclass ``StepTests`` and give examples.

    class TestMine(StepTests):
        step = "mine"
        examples = (Example({"factor": 2}, np.array([1, 2]), np.array([2, 4])),)

Expected values should come from somewhere else than the step: by hand, or from another library.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pytest_mlmodelscope.core.claim import NOTHING
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.testing._member import OptionsTests
from pytest_mlmodelscope.testing._same import assert_same


@dataclass(frozen=True)
class Example:
    """A value, and what the step makes of it with these options.

    ``tolerance`` is absolute, for floating-point figures; ``files`` are the assets that the
    options name, by name, with what they hold.
    """

    options: Mapping[str, Any]
    value: Any
    expected: Any
    tolerance: float = 0.0
    files: Mapping[str, bytes] = field(default_factory=lambda: NOTHING)


class StepTests(OptionsTests):
    """One test a rule. ``step`` is the registered name, or the module (or object) itself.

    ``refused`` are options that the step's schema must not let pass.
    """

    step: ClassVar[Any]
    examples: ClassVar[Sequence[Example]] = ()

    def module(self) -> Any:
        """The step under test."""
        return member("steps", self.step) if isinstance(self.step, str) else self.step

    def allowed(self) -> Iterable[Mapping[str, Any]]:
        """Those of the examples."""
        return [example.options for example in self.examples]

    def made(self, example: Example, folder: Path) -> Callable[[Any], Any]:
        """The step of one example, its assets written into a folder."""
        files = {name: folder / name for name in example.files}
        for name, content in example.files.items():
            files[name].write_bytes(content)
        function: Callable[[Any], Any] = self.module().make(example.options, StepContext(files))
        return function

    def test_many_at_once_are_the_same_as_one_by_one(self, tmp_path: Path) -> None:
        """To the bit, where the step has a function for them."""
        make_batched = getattr(self.module(), "make_batched", None)
        for example in self.examples:
            if make_batched is None or not isinstance(example.value, np.ndarray):
                continue
            single = self.made(example, tmp_path)
            values = [example.value, example.value[::-1] if example.value.ndim else example.value, example.value]
            context = StepContext({name: tmp_path / name for name in example.files})
            many = make_batched(example.options, context)(np.stack(values))
            assert len(many) == len(values)
            for one, value in zip(many, values, strict=True):
                assert_same(one, single(value))

    def test_it_gives_what_is_expected(self, tmp_path: Path) -> None:
        """In type, shape and figures."""
        assert self.examples, "a step without an example is not tested"
        for example in self.examples:
            assert_same(self.made(example, tmp_path)(example.value), example.expected, example.tolerance)

    def test_it_leaves_its_argument_as_it_was(self, tmp_path: Path) -> None:
        """The same item may be prepared for another framework."""
        for example in self.examples:
            given = copy.deepcopy(example.value)
            self.made(example, tmp_path)(given)
            assert_same(given, example.value)

    def test_an_answer_does_not_depend_on_what_was_asked_before(self, tmp_path: Path) -> None:
        """Items are prepared in any order, and some of them twice."""
        for example in self.examples:
            step = self.made(example, tmp_path)
            first = copy.deepcopy(step(example.value))
            assert_same(step(example.value), first)

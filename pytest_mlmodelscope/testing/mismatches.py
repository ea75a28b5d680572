"""What every mismatch promises, as tests: subclass ``MismatchTests`` and give setups with its mistake in them.

    class TestMine(MismatchTests):
        mismatch = "mine"
        planted = (Example([np.zeros((8, 8, 3), np.uint8)], wrong=(Step("flip", {"axis": 1}),), right=()),)

An example has items, the wrong steps before or after the model, and the right ones, which must be among the variants.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import jsonschema

from pytest_mlmodelscope.cause.sight import Sight
from pytest_mlmodelscope.cause.subject import key_of
from pytest_mlmodelscope.core.claim import NOTHING
from pytest_mlmodelscope.core.manifest import Input, Output, Split, Step
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.interfaces.mismatch import Setup, Variant

_SPLIT: Final = Split("test", 0, "idx")


@dataclass(frozen=True)
class Example:
    """Items (what comes before any step) and their labels, with the steps that are wrong and those that are right.

    ``after`` are the steps after the model and ``right_after`` the right ones, where the mistake is there;
    ``scores`` is what the model gives for each item. ``split``, ``metric`` and ``options`` are for mistakes elsewhere,
    and ``right_split`` and ``right_options`` undo those; ``columns`` are the names in a table's first line.
    """

    items: Sequence[Any]
    wrong: tuple[Step, ...] = ()
    right: tuple[Step, ...] | None = None
    after: tuple[Step, ...] = (Step("argmax"),)
    right_after: tuple[Step, ...] | None = None
    labels: Sequence[Any] = ()
    predictions: Sequence[Any] = ()
    scores: Any = None
    dtype: str = "float32"
    task: str = "image_classification"
    split: Split = _SPLIT
    others: Mapping[str, Split] = field(default_factory=lambda: NOTHING)
    right_split: Split | None = None
    metric: str = "accuracy"
    options: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    right_options: Mapping[str, Any] | None = None
    columns: Sequence[str] | None = None

    @property
    def setup(self) -> Setup:
        """What is wrong."""
        outputs = (Output("scores", steps=self.after),)
        return Setup(
            (Input("x", self.dtype, ("batch",), steps=self.wrong),), outputs, self.split, self.metric, self.options
        )

    def undoes(self, variant: Variant) -> bool:
        """Whether a variant is what is right."""
        made = variant.setup
        wanted = (
            (self.right, self.wrong, made.inputs[0].steps),
            (self.right_after, self.after, made.outputs[0].steps),
        )
        steps = all(key_of(after) == key_of(before if right is None else right) for right, before, after in wanted)
        split = made.split == (self.right_split or self.split)
        options = dict(made.options) == dict(self.options if self.right_options is None else self.right_options)
        return steps and split and options


class _Model:
    """A model that gives the same scores whatever it is asked, and the data of an example."""

    name = "example"
    batch: int | None = None
    kept: Mapping[str, Any] | None = None

    def __init__(self, example: Example) -> None:
        self._example = example
        self.task = example.task
        self.splits: Mapping[str, Split] = {example.split.name: example.split, **example.others}
        self.files: Mapping[str, Path] = {}

    def read(self, split: Split) -> Sequence[Item]:
        labels = [*self._example.labels, *[None] * len(self._example.items)]
        return [Item(str(place), value, labels[place]) for place, value in enumerate(self._example.items)]

    def ask(self, tensors: Mapping[str, Any]) -> Mapping[str, Any]:
        return {} if self._example.scores is None else {"scores": self._example.scores}

    def trained(self, inputs: Sequence[Input]) -> str:
        return ""

    def header(self, split: Split) -> Sequence[str] | None:
        return self._example.columns


class MismatchTests:
    """One test a rule. ``mismatch`` is the registered name, or the module (or object) itself.

    ``planted`` are setups with the mistake, ``strange`` those that it cannot be made in.
    """

    mismatch: ClassVar[Any]
    planted: ClassVar[Sequence[Example]] = ()
    strange: ClassVar[Sequence[Example]] = ()

    def module(self) -> Any:
        """The mismatch under test."""
        return member("mismatches", self.mismatch) if isinstance(self.mismatch, str) else self.mismatch

    def variants(self, example: Example) -> list[Variant]:
        """What it makes of an example."""
        sight = Sight(_Model(example), example.setup)
        sight.know(example.predictions, example.labels)
        return list(self.module().variants(example.setup, sight))

    def test_it_says_what_is_mistaken_and_how_often(self) -> None:
        """In words that fit into a sentence, and as a number that the others can be compared with."""
        assert self.module().TITLE.strip()
        assert 0 < self.module().USUAL <= 1
        assert (self.module().__doc__ or "").strip(), "the mismatch has no docstring"

    def test_the_right_setup_is_among_its_variants(self) -> None:
        """Once, so that no likelihood is spread over twins."""
        assert self.planted, "a mismatch without a planted mistake is not tested"
        for example in self.planted:
            found = [variant.words for variant in self.variants(example) if example.undoes(variant)]
            assert found, f"none of its variants undoes it: {[variant.words for variant in self.variants(example)]}"

    def test_each_variant_differs_and_says_how(self) -> None:
        """A sentence goes on with its words."""
        for example in self.planted:
            for variant in self.variants(example):
                assert variant.setup != example.setup, f'"{variant.words}" changes nothing'
                assert variant.words.strip() == variant.words != ""
                assert variant.usual > 0

    def test_each_variant_is_one_that_a_manifest_can_say(self) -> None:
        """Its steps are registered, and their options are as their schemas want them."""
        used = {key_of([step]): step for example in self.planted for step in self._steps(example)}
        for step in used.values():
            jsonschema.Draft202012Validator(member("steps", step.name).OPTIONS).validate(_plain(step.options))

    def _steps(self, example: Example) -> Iterator[Step]:
        setups = (variant.setup for variant in self.variants(example))
        for setup in setups:
            for before in setup.inputs:
                yield from before.steps
            for after in setup.outputs:
                yield from after.steps

    def test_nothing_comes_of_what_it_is_not_about(self) -> None:
        """No variant, and no error."""
        for example in self.strange:
            assert not self.variants(example)

    def test_it_leaves_the_setup_as_it_was(self) -> None:
        """Others are asked about the same one."""
        for example in self.planted:
            before = copy.deepcopy(dataclasses.asdict(example.setup.inputs[0]))
            self.variants(example)
            assert dataclasses.asdict(example.setup.inputs[0]) == before

    def test_it_gives_the_same_each_time(self) -> None:
        """A cause that was found can be found again."""
        for example in self.planted:
            first, second = self.variants(example), self.variants(example)
            assert [variant.words for variant in first] == [variant.words for variant in second]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value

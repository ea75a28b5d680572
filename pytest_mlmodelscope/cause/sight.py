"""What mismatches may look at: a few items after each step, and what the model gave for them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.cause.subject import Subject, key_of, order
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.manifest import Input, Split
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.interfaces.mismatch import Setup
from pytest_mlmodelscope.manifest.chain import Chain
from pytest_mlmodelscope.manifest.pipeline import Preparation

#: Items that are looked at: fewer where each is a file that has to be decoded.
FEW, FEW_FILES = 16, 4
#: Items that figures of the data are taken over.
MANY, MANY_FILES = 1000, 64
#: A training split with more items is not read for its figures.
MOST_READ: Final = 200_000


class OutOfTime(MlmsError):
    """The time in which anything may be looked at is up."""


class Sight:
    """The ``interfaces.mismatch.Sight`` of one setup; after ``deadline``, by the monotonic clock, it sees nothing new.

    Raises:
        OutOfTime: whatever is asked of it then, and is not known.
    """

    def __init__(self, subject: Subject, setup: Setup, deadline: float = math.inf) -> None:
        self._deadline = deadline
        self._subject = subject
        self._setup = setup
        self._few: dict[tuple[str, str | None], Sequence[Any]] = {}
        self._one_of: dict[tuple[str, str | None], Sequence[Any]] = {}
        self._many: dict[tuple[str, str | None], Sequence[Any]] = {}
        self._items: dict[str, Sequence[Item]] = {}
        self._outputs: Mapping[str, Any] | None = None
        self._answers: tuple[Sequence[Any], Sequence[Any]] = ((), ())

    @property
    def task(self) -> str:
        """The task of the model."""
        return self._subject.task

    @property
    def splits(self) -> Mapping[str, Split]:
        """All parts of the dataset."""
        return self._subject.splits

    def know(self, predictions: Sequence[Any], references: Sequence[Any]) -> None:
        """Keep what was predicted with this setup before."""
        self._answers = (predictions, references)

    def answers(self) -> tuple[Sequence[Any], Sequence[Any]]:
        """Predictions and references that are known."""
        return self._answers

    def columns(self, split: Split) -> Sequence[str] | None:
        """The header of a table."""
        return self._subject.header(split)

    def values(self, spec: Input, upto: int) -> Sequence[Any]:
        """What the first steps of an input make of a few items of the claim's split."""
        key = (key_of(spec.steps[:upto]), spec.field)
        if key not in self._few:
            items = self._some(self._setup.split, FEW, FEW_FILES)
            before = self.values(spec, upto - 1) if upto else [_raw(item, spec) for item in items]
            self._few[key] = self._after(spec, upto, before)
        return self._few[key]

    def first(self, spec: Input) -> Sequence[Any]:
        """What all steps of an input make of the first of those items; empty where one of them fails."""
        return self._first(spec, len(spec.steps))

    def _first(self, spec: Input, upto: int) -> Sequence[Any]:
        key = (key_of(spec.steps[:upto]), spec.field)
        if key in self._few:
            return self._few[key][:1]
        if key not in self._one_of:
            before = self._first(spec, upto - 1) if upto else self.values(spec, 0)[:1]
            self._one_of[key] = self._after(spec, upto, before)
        return self._one_of[key]

    def population(self, spec: Input, upto: int) -> Sequence[Any]:
        """What they make of many items, of the training split where one can be told."""
        key = (key_of(spec.steps[:upto]), spec.field)
        if key not in self._many:
            items = self._some(self._training(), MANY, MANY_FILES)
            values = [_raw(item, spec) for item in items]
            for place in range(upto):
                values = list(self._after(spec, place + 1, values))
            self._many[key] = values
        return self._many[key]

    def outputs(self) -> Mapping[str, Any]:
        """What the model gives for a few items, one entry an item."""
        if self._outputs is None:
            try:
                self._outputs = self._asked()
            except MlmsError:
                self._outputs = {}
        return self._outputs

    def _asked(self) -> Mapping[str, Any]:
        before = Preparation(self._setup.inputs, self._subject.files)
        count = min(FEW, before.batch_size(self._subject.batch))
        return dict(self._subject.ask(before.tensors(self._some(self._setup.split, FEW, FEW_FILES)[:count])))

    def _after(self, spec: Input, upto: int, values: Sequence[Any]) -> Sequence[Any]:
        if not upto:
            return values
        try:
            chain = Chain(spec.steps[upto - 1 : upto], self._subject.files)
            return [self._one(chain, value) for value in values]
        except OutOfTime:
            raise
        except Exception:  # noqa: BLE001 - any step may fail on values that were not meant for it
            return []

    def _one(self, chain: Chain, value: Any) -> Any:
        if time.monotonic() > self._deadline:
            raise OutOfTime("the time is up")
        return chain.one(value)

    def _some(self, split: Split, count: int, of_files: int) -> Sequence[Item]:
        key = f"{key_of(())}{split.name}{split.options}{count}"
        if key not in self._items:
            items = self._subject.read(split)
            few = of_files if items and isinstance(items[0].input, (Path, bytes)) else count
            self._items[key] = [items[place] for place in order(len(items), self._subject.name)[:few]]
        return self._items[key]

    def _training(self) -> Split:
        own = self._setup.split
        other = next((split for name, split in self.splits.items() if name.startswith("train")), own)
        return other if other.items <= MOST_READ else own


def _raw(item: Item, spec: Input) -> Any:
    return item.input if spec.field is None or not isinstance(item.input, Mapping) else item.input.get(spec.field)

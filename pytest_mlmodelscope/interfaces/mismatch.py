"""Mismatches: usual mistakes in what is done before and after a model, each with what would undo it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pytest_mlmodelscope.core.claim import NOTHING
from pytest_mlmodelscope.core.manifest import Input, Output, Split


@dataclass(frozen=True, slots=True)
class Setup:
    """How a figure over items comes about, save for the model: its data, the steps before and after it, the metric."""

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    split: Split
    metric: str
    options: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Variant:
    """Another setup, and ``words`` for what holds in it: "the colour order is BGR".

    ``usual`` is how likely this one is among those of its mismatch: 1 as any other.
    """

    words: str
    setup: Setup
    usual: float = 1.0


class Sight(Protocol):
    """What a mismatch may look at: the data and what the model made of some of it, as the manifest has it."""

    @property
    def task(self) -> str:
        """What the model is for, as its manifest says."""

    @property
    def splits(self) -> Mapping[str, Split]:
        """All parts of the dataset."""

    def values(self, spec: Input, upto: int) -> Sequence[Any]:
        """What the first ``upto`` steps of an input make of a few items; empty where they fail."""

    def population(self, spec: Input, upto: int) -> Sequence[Any]:
        """The same of some hundred items: of the training split where there is one, else of the claim's own."""

    def outputs(self) -> Mapping[str, Any]:
        """What the model gave for a few items, by the name of the output; empty where it failed."""

    def answers(self) -> tuple[Sequence[Any], Sequence[Any]]:
        """Predictions and references of the items that were evaluated before."""

    def columns(self, split: Split) -> Sequence[str] | None:
        """The names of a table's columns in the order of its file; None where it has no header or is no table."""


class Mismatch(Protocol):
    """One file in ``mismatches/``."""

    TITLE: str
    """What is mistaken, in two or three words: "colour order"."""

    USUAL: float
    """How often it is the mistake, beside the others: 1 for one that everybody has made, 0.1 for a rare one."""

    def variants(self, setup: Setup, sight: Sight) -> Iterator[Variant]:
        """The setups that undo the mistake, if it was made; none where it cannot have been.

        What they change is steps, a reader's options, or the metric's: nothing outside of what a manifest can say.
        A step that gives another type than the input declares needs no cast, since one is added; what
        gives another shape is left out.
        """

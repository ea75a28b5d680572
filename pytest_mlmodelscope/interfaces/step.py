"""Pre- and post-processing steps: from an item to a tensor, from a tensor to a prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value is, where that is known: a *picture*, a *text*, a *class*, *numbers*, a *box*... or a list of such
    (``depth`` 1), a list of lists (2).

    A box is what ``manifest.crops`` cuts out of a picture.
    """

    name: str
    depth: int = 0

    def __str__(self) -> str:
        return "lists of " * self.depth + self.name if self.depth != 1 else f"a list of {self.name}"


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a step may look at when it is made: the model's files that its options name."""

    files: Mapping[str, Path]


class Step(Protocol):
    """One file in ``steps/``."""

    OPTIONS: Mapping[str, Any]
    """JSON Schema of the options that the manifest may give."""

    def make(self, options: Mapping[str, Any], context: StepContext) -> Callable[[Any], Any]:
        """The step as a function of one item's value. It must not change its argument."""


class TypedStep(Step, Protocol):
    """A step of which it is known what it takes or gives: by that, stages of a pipeline are held against each other.

    What a ``ReadingStep`` takes and a ``ChoosingStep`` gives is known without.
    """

    TAKES: Kind
    """What it takes; left out where it takes several kinds of values."""

    GIVES: Kind
    """What it gives; left out where that depends on what it is given."""


class BatchedStep(Step, Protocol):
    """A step that can also take many items at once, which is worth it where each of them costs little."""

    def make_batched(self, options: Mapping[str, Any], context: StepContext) -> Callable[[Any], Any]:
        """The step as a function of an array with an item in each entry of its first axis.

        Gives the results in the same order, as an array or a list, each exactly what the function of
        ``make`` gives. Where it raises before a model, the items are taken one by one, to name one.
        """


class ReadingStep(Step, Protocol):
    """A step that stands first and takes a file: its path, or its bytes."""

    READS: Literal["picture", "text", "bytes"]
    """What the file holds: a picture, text, or anything."""


class ChoosingStep(Step, Protocol):
    """A step that makes an index of scores, or several indexes: those of the largest."""

    CHOOSES: Literal["one", "several"]
    """Whether what it gives is one index or a list of them."""

"""Checks: promises that a model keeps for whatever input it is given, or breaks for one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np

from pytest_mlmodelscope.core.manifest import Input
from pytest_mlmodelscope.interfaces.scenario import Timings

#: Options that a claim may give to every check, with their JSON Schemas; the engine keeps to them.
COMMON_OPTIONS: Final[Mapping[str, Any]] = {
    "examples": {
        "description": "how many inputs are drawn (default: 100)",
        "type": "integer",
        "minimum": 1,
        "maximum": 100000,
    },
    "seconds": {
        "description": "the longest time that drawing takes; what is left undrawn then decides nothing (default: 300)",
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 86400,
    },
}

#: Tensors by name: numpy arrays, or lists of text.
Tensors = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """Items that one model is asked about at once.

    Each of ``items`` maps the names of inputs to an array without the axis of the batch, or to a
    text; ``texts`` says the same in words, one an item. ``inputs`` are the model's, in their order.
    """

    inputs: tuple[Input, ...]
    items: tuple[Mapping[str, Any], ...]
    texts: tuple[str, ...]

    @property
    def batched(self) -> bool:
        """Whether the model takes several items at once."""
        return all(spec.batched for spec in self.inputs if spec.constant is None)

    def tensors(self, chosen: Sequence[int] | None = None) -> dict[str, Any]:
        """Input tensors of the items, or of those at these places, in this order."""
        items = [self.items[place] for place in (range(len(self.items)) if chosen is None else chosen)]
        return {spec.name: _tensor(spec, items) for spec in self.inputs}


def _tensor(spec: Input, items: Sequence[Mapping[str, Any]]) -> Any:
    if spec.constant is not None:
        shape = [len(items) if axis == "batch" else axis for axis in spec.shape]
        return np.full(shape, spec.constant, dtype=spec.dtype)
    values = [item[spec.name] for item in items]
    if spec.dtype == "string":
        return values
    return np.stack(values) if spec.batched else values[0]


@dataclass(frozen=True, slots=True)
class Breach:
    """How a query breaks the promise: ``what`` in words, the ``output`` and the ``item`` (a place in the
    query) that it shows in. ``output`` is empty where the decision differs and no output does.
    """

    what: str
    output: str = ""
    item: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What one query showed: the largest ``difference`` between two answers (0 where nothing is
    compared), and the breach if there is one.

    ``decided`` counts the items whose decisions were compared, ``differing`` those decided otherwise, the
    ``first_differing`` of which is at that place. ``remark`` is what a reader of the verdict must know.
    """

    difference: float = 0.0
    breach: Breach | None = None
    decided: int = 0
    differing: int = 0
    first_differing: int | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model gave for some items: ``outputs`` by name, with an axis for the items where the model
    is ``batched``, and one decision an item.
    """

    outputs: Mapping[str, Any]
    decisions: Sequence[Any]
    batched: bool = True


class Subject(Protocol):
    """A model that can be asked, and another beside it."""

    def ask(self, tensors: Tensors) -> dict[str, Any]:
        """Its outputs by name."""

    def decide(self, outputs: Tensors, count: int) -> list[Any]:
        """Its predictions for so many items, as the manifest makes them of its outputs."""

    def ask_beside(self, tensors: Tensors) -> dict[str, Any]:
        """The outputs of the one beside it, for the same tensors."""

    def decide_beside(self, outputs: Tensors, count: int) -> list[Any]:
        """The predictions of the one beside it."""


class Check(Protocol):
    """One file in ``checks/``."""

    OPTIONS: Mapping[str, Any]
    """JSON Schema of the options that a claim may give, besides ``COMMON_OPTIONS``."""

    BESIDE: Literal["nothing", "process", "framework"]
    """What stands beside the model: nothing, the same in a process of its own, or the same model in
    the framework that the option ``framework`` names."""

    def make(self, options: Mapping[str, Any], subject: Subject) -> Callable[[Query], Seen]:
        """The check as a function of one query.

        Raises:
            NotApplicable: the model is not one that can make this promise.
        """


class UnderLoad(Protocol):
    """A model that can be asked as it is, and put under a load."""

    queries: Sequence[Tensors]
    """The prepared queries, in an order that the model does not know."""

    def ask(self, tensors: Tensors) -> dict[str, Any]:
        """Its outputs by name."""

    def load(self, queries: Sequence[Tensors], count: int, keep: Sequence[int] = (), warm: bool = True) -> Timings:
        """Run the claim's scenario with ``count`` queries at least, and keep the answers to those with these numbers;
        unless it is ``warm``-ed up, none is asked before it is timed.
        """

    def processes(self) -> Iterator[int]:
        """Number the claim's process runs; each begins with a fresh worker."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit showed: what was ``seen`` in so many ``answers``; and ``ratios``, one a process run, the true one
    of which may be ``most`` at most, as ``what`` says.
    """

    seen: Seen
    answers: int = 0
    ratios: tuple[float, ...] = ()
    most: float = math.inf
    what: str = ""


class Audit(Protocol):
    """A check that draws no inputs, but looks at the model under a load (MLPerf's compliance tests)."""

    OPTIONS: Mapping[str, Any]
    """As of every check."""

    BESIDE: Literal["nothing"]
    """As of every check."""

    def audit(self, options: Mapping[str, Any], subject: UnderLoad) -> Audited:
        """Ask, load, compare."""


class Comparison(Check, Protocol):
    """A check that compares two frameworks: on the items of a dataset as well."""

    def compare(self, options: Mapping[str, Any], one: Answers, other: Answers) -> Seen:
        """What the answers of both to the same items show."""

"""The steps of a manifest in a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.step import StepContext

Function = Callable[[Any], Any]
#: One value for each of many items: in a list, or in the entries of an array's first axis.
Many = Sequence[Any] | NDArray[Any]


class Chain:
    """Steps in the order of the manifest, as one function of an item's value or of many items' values."""

    def __init__(self, steps: Sequence[Step], files: Mapping[str, Path]) -> None:
        self._steps = [_made(step, StepContext(files)) for step in steps]

    def __bool__(self) -> bool:
        return bool(self._steps)

    def one(self, value: Any) -> Any:
        """What the steps make of one item's value: the value itself where there are none."""
        for step, _ in self._steps:
            value = step(value)
        return value

    def many(self, values: Many) -> Many:
        """What they make of each.

        Arrays of one shape are stacked for the first step that takes many at once: the calls cost more
        than the work where items are small.
        """
        for step, batched in self._steps:
            if batched and (together := stacked(values)) is not None:
                values = batched(together)
            else:
                values = [step(value) for value in values]
        return values


def stacked(values: Many) -> NDArray[Any] | None:
    """Arrays of one type and shape along a new first axis; None where they are not such."""
    if isinstance(values, np.ndarray):
        return values
    first = values[0] if len(values) else None
    if not isinstance(first, np.ndarray):
        return None
    if not all(isinstance(value, np.ndarray) and value.dtype == first.dtype for value in values):
        return None
    return np.stack(values) if all(value.shape == first.shape for value in values) else None


def _made(step: Step, context: StepContext) -> tuple[Function, Function | None]:
    module = member("steps", step.name)
    make_batched = getattr(module, "make_batched", None)
    return module.make(step.options, context), make_batched and make_batched(step.options, context)

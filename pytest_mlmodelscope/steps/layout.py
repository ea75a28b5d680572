"""Put axes in another order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import array
from pytest_mlmodelscope.steps._schema import options as schema

_AXES: Final = {"type": "string", "pattern": "^[A-Z]+$"}
OPTIONS: Final = schema(
    {
        "from": {**_AXES, "description": "the axes as they come, one letter each, such as HWC"},
        "to": {**_AXES, "description": "the same letters in the order wanted, such as CHW; a new one is an axis of 1"},
    },
    required=["from", "to"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From an array to one with its axes moved, contiguous in memory.

    Raises:
        UsageError: a letter comes twice or is lost. Called on an array with another number of axes, too.
    """
    return _layout(options, before=0)


def make_batched(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """The same for many items."""
    return _layout(options, before=1)


def _layout(options: Mapping[str, Any], before: int) -> Callable[[Any], NDArray[Any]]:
    """The step on arrays that have so many axes before those of an item, which stay where they are."""
    old, new = options["from"], options["to"]
    if len(set(old)) < len(old) or len(set(new)) < len(new) or not set(old) <= set(new):
        raise UsageError("the axes do not fit", got=f"from {old} to {new}", hint="each letter once, none left out")
    order = [*range(before), *(before + old.index(letter) for letter in new if letter in old)]
    added = (slice(None),) * before + tuple(slice(None) if letter in old else None for letter in new)

    def layout(value: Any) -> NDArray[Any]:
        values = array("layout", value)
        if values.ndim != len(order):
            raise UsageError(f"the axes are not {old}", got=f"the shape {list(values.shape[before:])}")
        moved: NDArray[Any] = np.ascontiguousarray(values.transpose(order))[added]
        return moved

    return layout

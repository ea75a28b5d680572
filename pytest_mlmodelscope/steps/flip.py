"""Read one axis backwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import array
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {"axis": {"description": "the axis of an item, from 0; negative ones count from the end", "type": "integer"}},
    required=["axis"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From an array to the same with one axis read backwards, contiguous in memory."""
    axis = options["axis"]
    return lambda value: np.ascontiguousarray(np.flip(array("flip", value), axis))

"""The mean along one axis, such as that of the channels of a recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import floating
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "axis": {"description": "the axis of an item, from 0; negative ones count from the end", "type": "integer"},
        "keep": {"description": "whether the axis stays, with a length of 1 (default: false)", "type": "boolean"},
    },
    required=["axis"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From numbers to their means in float32 (float64 stays float64)."""
    axis, keep = options["axis"], options.get("keep", False)
    return lambda value: np.mean(floating("mean", value), axis=axis, keepdims=keep)

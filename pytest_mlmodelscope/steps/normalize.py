"""Take away a mean and divide by a standard deviation, channel by channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import floating
from pytest_mlmodelscope.steps._schema import NUMBERS
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "mean": {**NUMBERS, "description": "one number, or one for each channel"},
        "std": {**NUMBERS, "description": "one number, or one for each channel; not 0"},
        "axis": {"description": "the axis of the channels (default: -1, the last)", "type": "integer"},
    },
    required=["mean", "std"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From numbers to ``(value - mean) / std`` in float32 (float64 stays float64).

    Raises:
        UsageError: a standard deviation is 0. Called on values with another number of channels, too.
    """
    return _normalize(options, before=0)


def make_batched(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """The same for many items."""
    return _normalize(options, before=1)


def _normalize(options: Mapping[str, Any], before: int) -> Callable[[Any], NDArray[Any]]:
    """The step on arrays that have so many axes before those of an item."""
    mean, std = np.atleast_1d(options["mean"]), np.atleast_1d(options["std"])
    axis = options.get("axis", -1)
    if not std.all():
        raise UsageError("a standard deviation is 0", got=options["std"])

    def normalize(value: Any) -> NDArray[Any]:
        values = floating("normalize", value)
        shape = values.shape[before:]
        normal: NDArray[Any] = (values - _along(mean, values, shape, axis)) / _along(std, values, shape, axis)
        return normal

    return normalize


def _along(figures: NDArray[Any], values: NDArray[Any], shape: tuple[int, ...], axis: int) -> NDArray[Any]:
    """The figures in the type of the values, along one axis of an item's shape."""
    if figures.size == 1:
        return figures.astype(values.dtype)
    if not -len(shape) <= axis < len(shape) or shape[axis] != figures.size:
        raise UsageError(
            f"{figures.size} figures do not fit axis {axis}",
            got=f"the shape {list(shape)}",
            hint="`axis: 0` after a layout of CHW",
        )
    along = [1] * len(shape)
    along[axis] = figures.size
    return figures.astype(values.dtype).reshape(along)

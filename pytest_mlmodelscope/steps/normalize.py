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
    mean, std = np.atleast_1d(options["mean"]), np.atleast_1d(options["std"])
    axis = options.get("axis", -1)
    if not std.all():
        raise UsageError("a standard deviation is 0", got=options["std"])

    def normalize(value: Any) -> NDArray[Any]:
        values = floating("normalize", value)
        normal: NDArray[Any] = (values - _along(mean, values, axis)) / _along(std, values, axis)
        return normal

    return normalize


def _along(figures: NDArray[Any], values: NDArray[Any], axis: int) -> NDArray[Any]:
    if figures.size == 1:
        return figures.astype(values.dtype)
    if not -values.ndim <= axis < values.ndim or values.shape[axis] != figures.size:
        raise UsageError(
            f"{figures.size} figures do not fit axis {axis}",
            got=f"the shape {list(values.shape)}",
            hint="`axis: 0` after a layout of CHW",
        )
    shape = [1] * values.ndim
    shape[axis] = figures.size
    return figures.astype(values.dtype).reshape(shape)

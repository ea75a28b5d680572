"""Scale each item by figures of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import floating
from pytest_mlmodelscope.steps._schema import options as schema

_Axes = tuple[int, ...] | None

OPTIONS: Final = schema(
    {
        "to": {
            "description": "mean 0 and standard deviation 1 (unit_variance, default), 0 to 1 (unit_range), a largest "
            "magnitude of 1 (unit_peak), a Euclidean length of 1 (unit_length), a mean of 0 (zero_mean)",
            "enum": ["unit_variance", "unit_range", "unit_peak", "unit_length", "zero_mean"],
        },
        "axes": {
            "description": "the axes that figures are taken over (default: all of an item)",
            "type": "array",
            "items": {"type": "integer"},
            "minItems": 1,
        },
    }
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From numbers to float32 (float64 stays float64); what would be divided by 0 becomes 0."""
    axes = tuple(options["axes"]) if "axes" in options else None
    ends = _ENDS[options.get("to", "unit_variance")]

    def standardize(value: Any) -> NDArray[Any]:
        values = floating("standardize", value)
        low, by = ends(values, axes)
        scaled: NDArray[Any] = (values - low) / np.where(by == 0, 1, by)
        return scaled.astype(values.dtype, copy=False)

    return standardize


def _variance(values: NDArray[Any], axes: _Axes) -> tuple[Any, Any]:
    return values.mean(axes, keepdims=True), values.std(axes, keepdims=True)


def _range(values: NDArray[Any], axes: _Axes) -> tuple[Any, Any]:
    return values.min(axes, keepdims=True), np.ptp(values, axes, keepdims=True)


def _peak(values: NDArray[Any], axes: _Axes) -> tuple[Any, Any]:
    return 0, np.abs(values).max(axes, keepdims=True)


def _length(values: NDArray[Any], axes: _Axes) -> tuple[Any, Any]:
    return 0, np.sqrt(np.square(values).sum(axes, keepdims=True))


def _mean(values: NDArray[Any], axes: _Axes) -> tuple[Any, Any]:
    return values.mean(axes, keepdims=True), np.ones((), values.dtype)


_ENDS: Final[Mapping[str, Callable[[NDArray[Any], _Axes], tuple[Any, Any]]]] = {
    "unit_variance": _variance,
    "unit_range": _range,
    "unit_peak": _peak,
    "unit_length": _length,
    "zero_mean": _mean,
}

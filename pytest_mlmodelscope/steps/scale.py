"""Multiply by one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import array
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "by": {"description": "the factor; give this or `divide`", "type": "number"},
        "divide": {"description": "the divisor, such as 255", "type": "number", "not": {"const": 0}},
    }
)
OPTIONS["oneOf"] = [{"required": ["by"]}, {"required": ["divide"]}]


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From numbers to float32 (float64 stays float64)."""
    operation, figure = (np.divide, "divide") if "divide" in options else (np.multiply, "by")
    by = float(options[figure])

    def scale(value: Any) -> NDArray[Any]:
        values = array("scale", value)
        # The type is changed in the same pass: a copy of many items in between costs more than the rest.
        dtype = np.float64 if values.dtype == np.float64 else np.float32
        scaled: NDArray[Any] = operation(values, by, dtype=dtype)
        return scaled

    return scale


#: Element by element: many items at once are a larger array.
make_batched = make

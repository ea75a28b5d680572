"""Put numbers where values are missing (NaN)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import array
from pytest_mlmodelscope.steps._schema import NUMBERS
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {"value": {**NUMBERS, "description": "one number, or one for each element along the last axis"}},
    required=["value"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From numbers to numbers of the same type without NaN."""
    value = np.asarray(options["value"], np.float64)

    def fill(given: Any) -> NDArray[Any]:
        values = array("fill", given)
        return np.where(np.isnan(values), value, values).astype(values.dtype, copy=False)

    return fill

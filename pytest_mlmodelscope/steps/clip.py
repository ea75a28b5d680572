"""Keep numbers between two ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import array
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "low": {"description": "the lowest value", "type": "number"},
        "high": {"description": "the highest value", "type": "number"},
    },
    required=["low", "high"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From numbers to numbers of the same type.

    Raises:
        UsageError: the ends are in the wrong order.
    """
    low, high = options["low"], options["high"]
    if low > high:
        raise UsageError("the ends are in the wrong order", got=f"{low} to {high}")
    return lambda value: np.clip(array("clip", value), low, high)


#: Element by element: many items at once are a larger array.
make_batched = make

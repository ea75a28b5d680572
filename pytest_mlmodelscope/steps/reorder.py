"""Put the elements along one axis in another order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import array
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "order": {
            "description": "for each place of the result the place, from 0, that its element is taken from",
            "type": "array",
            "minItems": 1,
            "items": {"type": "integer", "minimum": 0},
        },
        "axis": {"description": "the axis of an item (default: -1, the last)", "type": "integer"},
    },
    required=["order"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], Any]:
    """From an array, or from a list, to the same elements in this order, or to some of them."""
    order, axis = options["order"], options.get("axis", -1)

    def reorder(value: Any) -> Any:
        if isinstance(value, list):
            return [value[place] for place in order]
        return np.take(array("reorder", value), order, axis=axis)

    return reorder

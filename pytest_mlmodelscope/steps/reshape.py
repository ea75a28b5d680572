"""Read the same elements as an array of another shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import array
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "shape": {
            "description": "the lengths of the axes; one of them may be -1, for what is left",
            "type": "array",
            "items": {"type": "integer", "minimum": -1, "not": {"const": 0}},
            "minItems": 1,
        }
    },
    required=["shape"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From an array to one of this shape, its elements in row-major order."""
    shape = tuple(options["shape"])
    return lambda value: array("reshape", value).reshape(shape)

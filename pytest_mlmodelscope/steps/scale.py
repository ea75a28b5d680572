"""Multiply by one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import floating
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
    if "divide" in options:
        divisor = float(options["divide"])
        return lambda value: floating("scale", value) / divisor
    factor = float(options["by"])
    return lambda value: floating("scale", value) * factor

"""Make a class of a score by cut points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_mlmodelscope.core.bands import BANDS_SCHEMA, by_band
from pytest_mlmodelscope.interfaces.step import Kind, StepContext
from pytest_mlmodelscope.steps._array import array
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema({"bands": BANDS_SCHEMA}, required=["bands"])
GIVES: Final = Kind("class")


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], Any]:
    """From one number (or an array that holds one) to the label of the first band that holds it.

    Raises UsageError for a number that no band holds.
    """
    label = by_band(options["bands"])
    return lambda value: label(float(array("threshold", value).item()))

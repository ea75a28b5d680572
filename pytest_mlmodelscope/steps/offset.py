"""Add a number to a class number, or to each of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {"by": {"description": "what is added, such as -1 where classes count from 1", "type": "integer"}},
    required=["by"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], Any]:
    """From a whole number to a whole number, from a list of them to a list."""
    by = options["by"]
    return lambda value: [one + by for one in value] if isinstance(value, list) else value + by

"""Take a part of the first axis, or of a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "start": {"description": "the first element, from 0; negative ones count from the end", "type": "integer"},
        "stop": {"description": "the first that is left out; negative ones count from the end", "type": "integer"},
    }
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], Any]:
    """From an array, a text or a list to its elements from ``start`` up to ``stop``."""
    part = slice(options.get("start"), options.get("stop"))
    return lambda value: value[part]

"""Make a text lower-case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.step import Kind, StepContext
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema()
TAKES: Final = Kind("text")
GIVES: Final = Kind("text")


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[str], str]:
    """From a text to a text."""
    return str.lower

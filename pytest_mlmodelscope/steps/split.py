"""Several texts of one: its words, its lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.step import Kind, StepContext
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {"at": {"description": "what stands between them (default: any blanks)", "type": "string", "minLength": 1}}
)
TAKES: Final = Kind("text")
GIVES: Final = Kind("text", 1)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], list[str]]:
    """From a text to a list of those that are not empty.

    Raises UsageError for what is no text.
    """
    between = options.get("at")

    def split(value: Any) -> list[str]:
        if not isinstance(value, str):
            raise UsageError("the step split takes a text", got=repr(value)[:160])
        return [part for part in value.split(between) if part]

    return split

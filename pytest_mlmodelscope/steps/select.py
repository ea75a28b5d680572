"""Take one element."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "at": {
            "description": "a place from 0 (negative ones count from the end), a key, or several of them in turn",
            "anyOf": [
                {"type": ["integer", "string"]},
                {"type": "array", "minItems": 1, "items": {"type": ["integer", "string"]}},
            ],
        }
    },
    required=["at"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], Any]:
    """From an array, a list or a mapping to one of its elements.

    Raises UsageError where there is no such element.
    """
    at = options["at"]
    places = at if isinstance(at, list) else [at]

    def select(value: Any) -> Any:
        for place in places:
            try:
                value = value[place]
            except (IndexError, KeyError, TypeError):
                raise UsageError("has no such element", got=f"{place!r} of {type(value).__name__}") from None
        return value

    return select

"""Keep the beginning of a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.step import Kind, StepContext
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "characters": {"description": "the most characters; give this or `bytes`", "type": "integer", "minimum": 1},
        "bytes": {
            "description": "the most bytes in UTF-8; a character that does not fit whole is left out",
            "type": "integer",
            "minimum": 1,
        },
    }
)
OPTIONS["oneOf"] = [{"required": ["characters"]}, {"required": ["bytes"]}]
TAKES: Final = Kind("text")
GIVES: Final = Kind("text")


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[str], str]:
    """From a text to a text."""
    if "characters" in options:
        characters = options["characters"]
        return lambda value: value[:characters]
    most = options["bytes"]
    return lambda value: value.encode()[:most].decode(errors="ignore")

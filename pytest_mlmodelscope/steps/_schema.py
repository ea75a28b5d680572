"""Pieces of the steps' option schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

_LENGTH: Final[dict[str, Any]] = {"type": "integer", "minimum": 1}
HEIGHT_WIDTH: Final[dict[str, Any]] = {
    "description": "[height, width]",
    "type": "array",
    "items": _LENGTH,
    "minItems": 2,
    "maxItems": 2,
}
SIZE: Final[dict[str, Any]] = {
    "description": "[height, width] in pixels, or one number for a square",
    "anyOf": [_LENGTH, HEIGHT_WIDTH],
}
NUMBERS: Final[dict[str, Any]] = {
    "anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}, "minItems": 1}],
}


def options(properties: Mapping[str, Any] | None = None, required: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON Schema of a step's options: these and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": dict(properties or {}),
    }


def height_width(size: int | Sequence[int]) -> tuple[int, int]:
    """``SIZE`` as height and width."""
    return (size, size) if isinstance(size, int) else (size[0], size[1])

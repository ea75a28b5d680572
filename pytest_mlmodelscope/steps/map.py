"""Replace labels by others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "table": {
            "description": "from labels as they come to labels as wanted",
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
        },
        "default": {
            "description": "what becomes of others: keep them (default), or none: no answer",
            "enum": ["keep", "none"],
        },
    },
    required=["table"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], Any]:
    """From a label to a label, from a list of labels to a list of labels.

    Numbers are looked up by their text, since a YAML mapping that a schema describes has text keys.
    """
    table: dict[Any, Any] = dict(options["table"])
    keep = options.get("default", "keep") == "keep"

    def one(label: Any) -> Any:
        return table.get(label if isinstance(label, str) else str(label), label if keep else None)

    return lambda value: [one(label) for label in value] if isinstance(value, list) else one(value)

"""Names for class numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError, UsageError, did_you_mean
from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "names": {
            "description": "the classes' names in order; give this or `asset`",
            "type": "array",
            "minItems": 1,
            "items": {"type": ["string", "integer", "boolean"]},
        },
        "asset": {
            "description": "the name of an asset with them: JSON (a list, or a mapping), or one name a line",
            "type": "string",
        },
        "key": {"description": "where they stand in a JSON file, such as model/labels", "type": "string"},
        "of_mapping": {
            "description": "of a JSON mapping: its keys in their order, or its values (default: values)",
            "enum": ["keys", "values"],
        },
    }
)
OPTIONS["oneOf"] = [{"required": ["names"]}, {"required": ["asset"]}]


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], Any]:
    """From a class number to its name, from a sequence of numbers to a list of names.

    Raises:
        UsageError: no asset has this name. Called with a number that has no name, too.
        DocumentError: the asset holds no list of names.
    """
    names = options["names"] if "names" in options else _from_asset(options, context)

    def name(number: Any) -> Any:
        index = int(number)
        if not 0 <= index < len(names):
            raise UsageError(f"class {index} has no name", expected=f"0 to {len(names) - 1}")
        return names[index]

    def labels(value: Any) -> Any:
        if isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value):
            return [name(number) for number in value]
        return name(value)

    return labels


def _from_asset(options: Mapping[str, Any], context: StepContext) -> Sequence[Any]:
    asset = options["asset"]
    if asset not in context.files:
        raise UsageError(f'the model has no asset called "{asset}"', hint=did_you_mean(asset, context.files))
    path = context.files[asset]
    text = path.read_text(encoding="utf-8")
    if "key" not in options and text.lstrip()[:1] not in "[{":
        return [line.strip() for line in text.split("\n") if line.strip()]
    found = _found(_parsed(text, path), options.get("key", ""), path)
    if isinstance(found, dict):
        found = list(found) if options.get("of_mapping") == "keys" else list(found.values())
    if not isinstance(found, list) or not found:
        raise DocumentError("holds no list of names", where=shown_path(path), hint="look at `key`")
    return found


def _parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DocumentError(f"is not JSON: {error.msg}", where=f"{shown_path(path)}:{error.lineno}") from None


def _found(data: Any, key: str, path: Path) -> Any:
    for part in filter(None, key.split("/")):
        if not isinstance(data, dict) or part not in data:
            known = data if isinstance(data, dict) else ()
            raise DocumentError(f'has no key "{part}"', where=shown_path(path), hint=did_you_mean(part, known))
        data = data[part]
    return data

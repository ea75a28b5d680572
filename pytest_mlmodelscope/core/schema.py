"""Versioned JSON Schemas, and messages about what breaks them.

A fast validator (jsonschema-rs) says yes or no; only a document that fails is read
again by ``jsonschema``, whose errors are what the messages are made from. With
10,000 claims the second one alone would take longer than everything else together.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

from pytest_mlmodelscope.core.document import Document, Pointer
from pytest_mlmodelscope.core.errors import DocumentError, did_you_mean

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema_rs import Validator

#: Names of the schemas that ship with the package, each with the version in force.
CURRENT = {
    "claim": "claim-1",
    "model": "model-1",
    "dataset": "dataset-1",
    "framework": "framework-1",
    "known": "known-1",
    "baseline": "baseline-1",
    "record": "record-1",
}


@functools.cache
def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of one kind of document, as published in the package."""
    file = resources.files("pytest_mlmodelscope.core") / "schemas" / f"{CURRENT[kind]}.schema.json"
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded


@functools.cache
def _fast(kind: str) -> Validator:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(schema(kind))


def check(document: Document, kind: str) -> None:
    """Refuse a document that its schema does not allow.

    Raises:
        DocumentError: names file, line, the place inside, what was expected, and the nearest
            known word when a key or a choice is misspelt.
    """
    check_part(document, kind, document.data, ())


def first_error(kind: str, data: Any) -> str | None:
    """What is wrong with data from anywhere, and where in it; None when nothing is.

    Stops at the first error: what a stranger sends could hold millions.
    """
    import jsonschema_rs

    try:
        _fast(kind).validate(data)
    except jsonschema_rs.ValidationError as error:
        return f"{_shortened(error.message)}{_shown(tuple(error.instance_path))}"
    return None


def check_part(document: Document, kind: str, data: Any, at: Pointer) -> None:
    """``check`` for a part of a document that stands at ``at``."""
    if not _fast(kind).is_valid(data):
        raise explain(document, schema(kind), data, at)


def check_against(document: Document, own_schema: Mapping[str, Any], data: Any, at: Pointer) -> None:
    """``check_part`` against a schema that an extension brings along."""
    import jsonschema_rs

    if not jsonschema_rs.Draft202012Validator(dict(own_schema)).is_valid(data):
        raise explain(document, own_schema, data, at)


def explain(document: Document, own_schema: Mapping[str, Any], data: Any, at: Pointer = ()) -> DocumentError:
    """The most telling of the errors in ``data``, as a message."""
    import jsonschema

    errors = list(jsonschema.Draft202012Validator(own_schema).iter_errors(data))
    if not errors:
        return DocumentError("is not valid", where=document.at(at))
    return _message(_most_telling(errors), document, at)


def _most_telling(errors: list[ValidationError]) -> ValidationError:
    """An unknown key explains a missing one, so it comes first; else the deepest error."""
    flat = [leaf for error in errors for leaf in _leaves(error)]
    return min(flat, key=lambda error: (error.validator != "additionalProperties", -len(error.absolute_path)))


def _leaves(error: ValidationError) -> list[ValidationError]:
    if not error.context:
        return [error]
    # Of the branches of an anyOf/oneOf, explain the one that the document came nearest to:
    # the one whose errors lie deepest, and of those the one with the fewest.
    branches: dict[int, list[ValidationError]] = {}
    for inner in error.context:
        branches.setdefault(int(inner.schema_path[0]), []).append(inner)
    own_type = [
        group for group in branches.values() if not any(e.validator == "type" and len(e.path) == 0 for e in group)
    ]
    if not own_type:
        return [error]
    best = max(own_type, key=lambda group: (max(len(e.absolute_path) for e in group), -len(group)))
    return [leaf for inner in best for leaf in _leaves(inner)]


def _message(error: ValidationError, document: Document, at: Pointer) -> DocumentError:
    pointer: Pointer = (*at, *error.absolute_path)
    place = _shown(pointer)
    build = _MESSAGES.get(str(error.validator), _other)
    what, pointer, expected, got, hint = build(error, pointer)
    return DocumentError(f"{what}{place}", where=document.at(pointer), expected=expected, got=got, hint=hint)


def _shown(pointer: Pointer) -> str:
    if not pointer:
        return ""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in pointer)
    return f" (in {text.lstrip('.')})"


# The stubs of jsonschema give every field of an error a union with "unset".
_Error = Any
_Message = tuple[str, Pointer, object, object, str | None]


def _unknown_key(error: _Error, pointer: Pointer) -> _Message:
    allowed = list(error.schema.get("properties", {}))
    extra = next(key for key in error.instance if key not in allowed)
    return f'unknown key "{extra}"', (*pointer, extra), None, None, did_you_mean(extra, allowed)


def _missing_key(error: _Error, pointer: Pointer) -> _Message:
    missing = next(key for key in error.validator_value if key not in error.instance)
    about = error.schema.get("properties", {}).get(missing, {}).get("description")
    return f'key "{missing}" is missing', pointer, about, None, f'add "{missing}:"'


def _choice(error: _Error, pointer: Pointer) -> _Message:
    choices = [str(choice) for choice in error.validator_value]
    return (
        "is not one of the choices",
        pointer,
        ", ".join(choices),
        _shortened(str(error.instance)),
        did_you_mean(str(error.instance), choices),
    )


def _type(error: _Error, pointer: Pointer) -> _Message:
    wanted = error.validator_value
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    expected = " or ".join(_TYPES.get(name, name) for name in names)
    if "object" in names and error.schema.get("properties"):
        expected += f" of {', '.join(error.schema['properties'])}"
    about = error.schema.get("description")
    return "has the wrong type", pointer, expected + (f" - {about}" if about else ""), _got(error.instance), None


def _other(error: _Error, pointer: Pointer) -> _Message:
    expected = error.schema.get("description")
    return _shortened(error.message), pointer, expected, None, None


def _pattern(error: _Error, pointer: Pointer) -> _Message:
    about = error.schema.get("description") or f"text that matches {error.validator_value}"
    return "is not of the form wanted", pointer, about, _got(error.instance), None


_MESSAGES = {
    "additionalProperties": _unknown_key,
    "required": _missing_key,
    "enum": _choice,
    "type": _type,
    "pattern": _pattern,
}
_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "nothing",
}


def _got(value: object) -> str:
    kinds = {dict: "a mapping", list: "a list", type(None): "nothing"}
    return kinds.get(type(value)) or _shortened(repr(value))


def _shortened(text: str) -> str:
    return text if len(text) <= 160 else text[:157] + "..."

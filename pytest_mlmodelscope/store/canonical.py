"""A record as the one sequence of bytes that stands for it: the canonical JSON of RFC 8785."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import rfc8785

from pytest_mlmodelscope.core.errors import DocumentError

#: Whole numbers beyond it are the nearest of those that a double holds: JSON has no others (RFC 8785, 3.2.2.3).
_WHOLE: Final = 2**53 - 1


def canonical(record: Mapping[str, Any]) -> bytes:
    """Its canonical JSON.

    Raises:
        DocumentError: it holds what JSON cannot: text that is not Unicode, a number beyond a double.
    """
    try:
        try:
            found: bytes = rfc8785.dumps(dict(record))
        except rfc8785.IntegerDomainError:
            found = rfc8785.dumps(_doubles(record))
    except (rfc8785.CanonicalizationError, OverflowError, UnicodeEncodeError) as error:
        raise DocumentError(f"has no canonical JSON: {error}", where="the record") from None
    except RecursionError:
        raise DocumentError("is nested too deeply", where="the record") from None
    return found


def digest_of(record: Mapping[str, Any]) -> str:
    """The SHA-256 of a record's canonical JSON, in hexadecimal.

    Raises:
        DocumentError: as ``canonical``.
    """
    return hashlib.sha256(canonical(record)).hexdigest()


def parsed(raw: bytes) -> dict[str, Any]:
    """What ``canonical`` wrote; its canonical JSON is the same bytes again.

    Raises:
        ValueError: it is not JSON that means the same to everybody (RFC 8259 in UTF-8, no name twice in an object).
        RecursionError: it is nested too deeply.
    """
    # Of bytes, Python would take other encodings, too, and halves of characters.
    text = raw.decode("utf-8")
    found: dict[str, Any] = json.loads(text, parse_int=_number, parse_constant=_refuse, object_pairs_hook=_named_once)
    return found


def _named_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Of a name that stands twice, some readers take the first value and others the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _number(text: str) -> int | float:
    """A double that is whole is written without a point: read it as what it was."""
    # Python refuses to make whole numbers of thousands of digits.
    value = float(text)
    return int(text) if abs(value) <= _WHOLE else value


def _doubles(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _doubles(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_doubles(inner) for inner in value]
    return float(value) if isinstance(value, int) and abs(value) > _WHOLE else value

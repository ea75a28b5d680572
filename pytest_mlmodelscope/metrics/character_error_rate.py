"""Character error rate: characters to insert, drop or replace until texts are their references, by those of these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.metric import ItemEvidence, Kind

KIND: Final[Kind] = "items"
BASE_UNIT: Final = "1"
DIRECTION: Final = "lower"
OPTIONS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "blanks": {
            "description": "count (default), or ignore spaces and line breaks: not every script has any",
            "enum": ["count", "ignore"],
        }
    },
}


def compute(evidence: ItemEvidence, options: Mapping[str, Any]) -> float:
    """The edits of all items together by the characters of all references, 0 and up; NaN without characters.

    No answer is an empty text. Raises UsageError where a prediction or a reference is no text.
    """
    ignore = options.get("blanks") == "ignore"
    found = [_text("" if one is None else one, ignore) for one in evidence.predictions]
    wanted = [_text(one, ignore) for one in evidence.references]
    characters = sum(map(len, wanted))
    if not characters:
        return float("nan")
    return sum(_edits(one, reference) for one, reference in zip(found, wanted, strict=True)) / characters


def _text(value: Any, ignore_blanks: bool) -> str:
    if not isinstance(value, str):
        raise UsageError("the character error rate is one of texts", got=repr(value)[:160])
    return "".join(value.split()) if ignore_blanks else value


def _edits(text: str, reference: str) -> int:
    """The edit distance of Vladimir Levenshtein (1966), row by row of its table."""
    wanted = np.array([ord(character) for character in reference], dtype=np.int64)
    places = np.arange(len(reference) + 1)
    row = places
    for number, character in enumerate(text, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (wanted != ord(character)))
        # What stands to the left counts too: the least of all before it, each with its distance from here.
        row = np.minimum.accumulate(np.concatenate([[number], best]) - places) + places
    return int(row[-1])

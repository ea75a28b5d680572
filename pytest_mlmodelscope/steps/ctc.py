"""A text of the scores that a recogniser gives at each place along a line (CTC: repeats and blanks are dropped)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError, UsageError, did_you_mean
from pytest_mlmodelscope.interfaces.step import Kind, StepContext
from pytest_mlmodelscope.steps._array import floating
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "characters": {
            "description": "the characters in the order of their scores; give this or `asset`",
            "type": "string",
            "minLength": 1,
        },
        "asset": {"description": "the name of an asset with one of them in each line", "type": "string"},
        "blank": {
            "description": "whether the blank comes before them or after them (default: first)",
            "enum": ["first", "last"],
        },
        "space": {"description": "whether a space comes after them (default: false)", "type": "boolean"},
        "confidence": {
            "description": "a text whose characters have a lower mean score becomes an empty one (default: 0)",
            "type": "number",
            "minimum": 0,
            "maximum": 1,
        },
    }
)
OPTIONS["oneOf"] = [{"required": ["characters"]}, {"required": ["asset"]}]
GIVES: Final = Kind("text")


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], str]:
    """From scores [places, characters], with axes of 1 before them or not, to the likeliest text, place by place.

    Raises:
        UsageError: no asset has this name. Called with another number of characters, too.
        DocumentError: the asset holds no characters.
    """
    characters = list(options["characters"]) if "characters" in options else _from_asset(options["asset"], context)
    characters += [" "] if options.get("space") else []
    blank = 0 if options.get("blank", "first") == "first" else len(characters)
    symbols = ["", *characters] if blank == 0 else [*characters, ""]
    least = options.get("confidence", 0.0)

    def ctc(value: Any) -> str:
        scores = floating("ctc", value)
        if scores.ndim < 2 or any(length != 1 for length in scores.shape[:-2]) or scores.shape[-1] != len(symbols):
            wanted = f"[places, {len(symbols)}]: a blank and {len(characters)} characters"
            raise UsageError("the scores do not fit the characters", expected=wanted, got=list(scores.shape))
        rows = scores.reshape(scores.shape[-2:])
        return _text(rows.argmax(axis=1), rows.max(axis=1), symbols, blank, least)

    return ctc


def _text(best: Any, score: Any, symbols: Sequence[str], blank: int, least: float) -> str:
    kept = (best != blank) & (best != np.concatenate([[-1], best[:-1]]))
    if not kept.any() or float(score[kept].mean()) < least:
        return ""
    return "".join(symbols[number] for number in best[kept])


def _from_asset(asset: str, context: StepContext) -> list[str]:
    if asset not in context.files:
        raise UsageError(f'the model has no asset called "{asset}"', hint=did_you_mean(asset, context.files))
    path = context.files[asset]
    # Not stripped: there are many kinds of spaces, and some are characters of the list.
    found = [line for line in path.read_text(encoding="utf-8").split("\n") if line]
    if not found:
        raise DocumentError("holds no characters", where=shown_path(path))
    return found

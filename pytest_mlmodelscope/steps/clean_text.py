"""Make a text upper-case, drop its accents, and the like."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.step import Kind, StepContext
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "case": {"description": "upper: make it upper-case", "enum": ["upper"]},
        "accents": {"description": "drop: letters without their marks", "enum": ["drop"]},
        "form": {"description": "a normal form of Unicode", "enum": ["NFC", "NFD", "NFKC", "NFKD"]},
        "blanks": {
            "description": "strip: at both ends; collapse: also make one of several inside",
            "enum": ["strip", "collapse"],
        },
        "punctuation": {
            "description": "drop: leave out what is neither letter, number, mark nor blank",
            "enum": ["drop"],
        },
    }
)
TAKES: Final = Kind("text")
GIVES: Final = Kind("text")


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[str], str]:
    """From a text to a text; the form first, then what else is asked for in the order above."""
    chosen = [action for (key, value), action in _ACTIONS.items() if options.get(key) == value]
    form = options.get("form")

    def clean_text(value: str) -> str:
        text = unicodedata.normalize(form, value) if form else value
        for action in chosen:
            text = action(text)
        return text

    return clean_text


def _without_accents(text: str) -> str:
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(sign for sign in apart if not unicodedata.combining(sign)))


def _without_punctuation(text: str) -> str:
    return "".join(sign for sign in text if sign.isspace() or unicodedata.category(sign)[0] in "LNM")


_ACTIONS: Final[Mapping[tuple[str, str], Callable[[str], str]]] = {
    ("case", "upper"): str.upper,
    ("accents", "drop"): _without_accents,
    ("blanks", "strip"): str.strip,
    ("blanks", "collapse"): lambda text: " ".join(text.split()),
    ("punctuation", "drop"): _without_punctuation,
}

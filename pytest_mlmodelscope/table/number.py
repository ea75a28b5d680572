"""Numbers as people print them, with what their digits say of their accuracy."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from pytest_mlmodelscope.core.errors import DocumentError

#: What stands where there is no figure.
MISSING: Final = ("", "-", "--", "n/a", "na", "nan", "none", "null", "x", "?", "\u2013", "\u2014")
_NUMBER: Final = re.compile(
    r"(?P<digits>[-+]?(?:\d+(?:\.(?P<places>\d*))?|\.(?P<bare>\d+)))(?:[eE](?P<exponent>[-+]?\d+))?\s*(?P<percent>%)?"
)
_GROUPED: Final = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
#: Digits after which a number was not rounded by a person: it is a float of 32 bits, as like as not.
_FLOAT_DIGITS: Final = 7
_FLOAT_ERROR: Final = 1e-7


@dataclass(frozen=True, slots=True)
class Number:
    """A printed number; ``half`` is half a unit of its last digit, ``unit`` the per cent sign or None."""

    value: float
    half: float
    unit: str | None = None


def is_missing(text: str) -> bool:
    """Whether a cell says that there is nothing."""
    return text.strip().lower() in MISSING


def number(text: str, where: str, column: str) -> Number | None:
    """The number in a cell, None where it is empty.

    Raises:
        DocumentError: it is something else.
    """
    if is_missing(text):
        return None
    tidy = text.strip()
    if _GROUPED.fullmatch(tidy):
        tidy = tidy.replace(",", "")
    found = _NUMBER.fullmatch(re.sub(r"^([-+]?\d+),(\d+)", r"\1.\2", tidy))
    if found is None or not math.isfinite(float(found["digits"] + "e" + (found["exponent"] or "0"))):
        raise DocumentError(f"{column} is not a number", where=where, expected="such as 76.13 or 76.13 %", got=text)
    exponent = int(found["exponent"] or 0)
    value = float(f"{found['digits']}e{exponent}")
    half = 0.5 * 10.0 ** (exponent - len(found["places"] or found["bare"] or ""))
    significant = len(re.sub(r"\D", "", found["digits"]).lstrip("0"))
    if significant > _FLOAT_DIGITS:
        half = max(half, _FLOAT_ERROR * abs(value))
    return Number(value, half, "%" if found["percent"] else None)


def whole_number(text: str, where: str) -> int:
    """A number of items.

    Raises:
        DocumentError: it is not a whole number above 0.
    """
    tidy = re.sub(r"(?<=\d)[,_ ](?=\d{3})", "", text.strip())
    try:
        value = float(tidy)
    except ValueError:
        value = math.nan
    if not value >= 1 or value != math.floor(value) or value > 1e15:
        raise DocumentError("n is not a number of items", where=where, expected="a whole number above 0", got=text)
    return int(value)

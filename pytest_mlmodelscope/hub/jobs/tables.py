"""Numbers as people have them: JSON, or lines from a spreadsheet."""

from __future__ import annotations

import csv
import json
from typing import Any, Final

from pytest_mlmodelscope.core.errors import InputError

#: What may stand between the numbers of a line, the likeliest last to be tried first.
_BETWEEN: Final = ("\t", ";", ",", " ")


def numbers_of(text: str) -> Any:
    """An array as JSON would hold it: of JSON itself, or of lines with numbers that are separated by tabs, semicolons,
    commas or blanks. A first line of names is left out; a single line is one axis, several are two.

    Raises:
        InputError: a line holds something else, or lines are of different lengths.
    """
    stripped = text.strip()
    if stripped.startswith(("[", "{")):
        return _json(stripped)
    lines = [line.strip() for line in stripped.splitlines() if line.strip()]
    if not lines:
        raise InputError("the table is empty", expected="at least one number")
    between = next((sign for sign in _BETWEEN if any(sign in line for line in lines)), ",")
    rows = list(csv.reader(lines, delimiter=between, skipinitialspace=True))
    if len(rows) > 1 and not any(_is_number(cell) for cell in rows[0]):
        rows = rows[1:]
    found = [[_number(cell, at) for cell in row if cell or between != " "] for at, row in enumerate(rows, 1)]
    if len({len(row) for row in found}) > 1:
        raise InputError(
            "the lines of the table have different lengths", got=", ".join(str(len(row)) for row in found[:9])
        )
    return found[0] if len(found) == 1 else [row[0] for row in found] if all(len(row) == 1 for row in found) else found


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON: {error}", hint="numbers in nested lists, or lines of CSV") from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(cell: str, line: int) -> float | int:
    try:
        return int(cell)
    except ValueError:
        pass
    try:
        return float(cell)
    except ValueError:
        raise InputError(f"line {line} of the table holds something else than numbers", got=cell[:80]) from None

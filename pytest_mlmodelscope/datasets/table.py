"""Delimited text: one item a line, its parts in columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError, did_you_mean
from pytest_mlmodelscope.datasets._source import ASSET, ENCODING, LABEL_TYPE, label_converter, path_of, text_of
from pytest_mlmodelscope.interfaces.dataset import Item

_COLUMN: Final[dict[str, Any]] = {
    "description": "a column by its place, from 0, or by its name in the header",
    "type": ["integer", "string"],
    "minimum": 0,
}
_PART: Final = [_COLUMN, {"description": "columns", "type": "array", "minItems": 1, "items": _COLUMN}]
OPTIONS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["asset", "columns"],
    "properties": {
        "asset": ASSET,
        "encoding": ENCODING,
        "separator": {"description": "between columns (default: a tab)", "type": "string", "minLength": 1},
        "header": {"description": "whether the first line names the columns (default: false)", "type": "boolean"},
        "quoting": {
            "description": "none (default): a quote is a character like any other; minimal: as spreadsheets write it",
            "enum": ["none", "minimal"],
        },
        "strip": {"description": "whether blanks around input and label go (default: false)", "type": "boolean"},
        "skip_blank": {"description": "whether empty lines are left out (default: true)", "type": "boolean"},
        "label_type": LABEL_TYPE,
        "columns": {
            "description": "where the parts of an item stand",
            "type": "object",
            "additionalProperties": False,
            "required": ["input"],
            "properties": {
                "id": {**_COLUMN, "description": "a column that tells items apart (default: the number of the line)"},
                "input": {
                    "description": "a column, a list of columns that make one vector, or for models with several "
                    "inputs a mapping of fields to these",
                    "anyOf": [
                        *_PART,
                        {"type": "object", "minProperties": 1, "additionalProperties": {"anyOf": _PART}},
                    ],
                },
                "label": _COLUMN,
            },
        },
    },
}

_Row = tuple[int, list[str]]


def read(files: Mapping[str, Path], options: Mapping[str, Any]) -> Iterator[Item]:
    """One item a line, in the file's order; the input is text.

    Raises:
        DocumentError: a line has too few columns, a label of the wrong type, or an id given twice.
    """
    path = path_of(files, options["asset"])
    text = text_of(path, options.get("encoding", "utf-8"))
    separator = options.get("separator", "\t")
    rows = _quoted(text, separator, path) if options.get("quoting") == "minimal" else _plain(text, separator)
    if options.get("skip_blank", True):
        rows = ((line, row) for line, row in rows if any(row))
    header = next(rows, (1, []))[1] if options.get("header", False) else None
    return _items(rows, _Columns(options, header, path), path)


def _plain(text: str, separator: str) -> Iterator[_Row]:
    # Not splitlines(): that also breaks at characters which occur inside texts.
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return ((number, line.removesuffix("\r").split(separator)) for number, line in enumerate(lines, 1))


def _quoted(text: str, separator: str, path: Path) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    start = 1
    try:
        for row in reader:
            yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise DocumentError(f"is not a table: {error}", where=f"{shown_path(path)}:{start}") from None


class _Columns:
    """Where the parts of an item stand in a row."""

    def __init__(self, options: Mapping[str, Any], header: list[str] | None, path: Path) -> None:
        self._header = header
        self._path = path
        columns = options["columns"]
        self.id = self._place(columns.get("id"))
        self.label = self._place(columns.get("label"))
        given = columns["input"]
        parts = given if isinstance(given, dict) else {"": given}
        self.several = isinstance(given, dict)
        self.parts = {name: self._places(at) for name, at in parts.items()}
        used = [place for at in self.parts.values() for place in (at if isinstance(at, list) else [at])]
        self.width = 1 + max(self.id or 0, self.label or 0, *used)
        self.convert = label_converter(options.get("label_type", "text"), path)
        self.tidy: Callable[[str], str] = str.strip if options.get("strip", False) else str

    def _place(self, column: str | int | None) -> int | None:
        if column is None or isinstance(column, int):
            return column
        header = self._header or []
        if column not in header:
            raise DocumentError(
                f'no column is called "{column}"',
                where=f"{shown_path(self._path)}:1",
                hint=did_you_mean(column, header) or "`header: true`, or the place of the column as a number",
            )
        return header.index(column)

    def _places(self, given: Any) -> int | list[int]:
        return [self._place(one) or 0 for one in given] if isinstance(given, list) else self._place(given) or 0

    def input_of(self, row: list[str]) -> Any:
        values = {
            name: [self.tidy(row[one]) for one in at] if isinstance(at, list) else self.tidy(row[at])
            for name, at in self.parts.items()
        }
        return values if self.several else values[""]


def _items(rows: Iterator[_Row], columns: _Columns, path: Path) -> Iterator[Item]:
    seen: set[str] = set()
    for line, row in rows:
        if len(row) < columns.width:
            raise DocumentError(
                "has too few columns",
                where=f"{shown_path(path)}:{line}",
                expected=columns.width,
                got=len(row),
                hint="look at `separator` and `quoting` in the dataset's manifest",
            )
        label = None if columns.label is None else columns.convert(columns.tidy(row[columns.label]), line)
        item = Item(str(line) if columns.id is None else row[columns.id], columns.input_of(row), label)
        if item.id in seen:
            raise DocumentError(f'the id "{item.id}" is given twice', where=f"{shown_path(path)}:{line}")
        seen.add(item.id)
        yield item

"""Drafts of datasets and claims: what a table or a folder of files holds, and what a source says."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.library.drafts import asset, scalar

#: Lines of a table, and bytes of each, by which its columns are told.
_LINES: Final = 200
_LONGEST: Final = 100_000
_WHOLE: Final = re.compile(r"-?\d{1,18}")
_ANSWERS: Final = ("label", "class", "target", "answer", "y")
_HEADINGS: Final = frozenset({*_ANSWERS, "text", "input", "sentence", "id", "name", "x"})


@dataclass(frozen=True)
class DatasetDraft:
    """Answers to what has to be known of a dataset; ``path`` lies below the project."""

    name: str
    version: str
    license: str
    description: str
    path: Path
    folder: Path
    split: str
    items: int
    reader: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class ClaimDraft:
    """Answers to what has to be known of a published figure."""

    id: str
    model: str
    metric: str
    value: float
    unit: str
    figure: str
    title: str
    where: str
    read: str
    dataset: str | None = None
    split: str | None = None
    url: str | None = None
    measures: str | None = None


@dataclass(frozen=True)
class Seen:
    """What the first lines of a table show. ``columns`` are headings, or places where there are none."""

    separator: str
    header: bool
    columns: Sequence[str | int]
    label: str | int
    rows: Sequence[Sequence[str]]

    def inputs_without(self, label: str) -> list[str | int]:
        """What probably goes in: all columns where they are numbers, else the one with the longest texts."""
        others = [place for place, column in enumerate(self.columns) if str(column) != label]
        if others and all(_number(row[place]) for row in self.rows for place in others):
            return [self.columns[place] for place in others]
        length = {place: sum(len(row[place]) for row in self.rows) for place in others}
        return [self.columns[max(length, key=lambda place: length[place])]] if length else []

    def options(self, inputs: Sequence[str], label: str | None) -> dict[str, Any]:
        """The options of the reader ``table``."""
        meant = {str(column): column for column in self.columns}
        chosen = [meant[name] for name in inputs]
        columns: dict[str, Any] = {"input": chosen[0] if len(chosen) == 1 else chosen}
        options: dict[str, Any] = {"asset": "items", "columns": columns}
        if label is not None:
            columns["label"] = meant[label]
            place = list(self.columns).index(meant[label])
            if self.rows and all(_WHOLE.fullmatch(row[place]) for row in self.rows):
                options["label_type"] = "integer"  # as a place in scores is one
        if self.separator != "\t":
            options |= {"separator": self.separator, "quoting": "minimal"}
        return options | ({"header": True} if self.header else {})


def seen(path: Path, separator: str | None, header: bool | None) -> Seen:
    """What the first lines of a table show.

    Raises:
        DocumentError: it is no text, or holds nothing.
    """
    lines = _lines(path)
    separator = separator or (
        "\t" if "\t" in lines[0] else "," if "," in lines[0] else ";" if ";" in lines[0] else "\t"
    )
    rows = [row for row in csv.reader(lines, delimiter=separator, **_quoting(separator)) if row]
    if header is None:
        header = any(cell.strip().lower() in _HEADINGS for cell in rows[0])
    columns: list[str | int] = list(rows[0]) if header else list(range(len(rows[0])))
    body = [row for row in rows[header:] if len(row) == len(columns)]
    return Seen(separator, header, columns, _label(columns, body), body)


def _quoting(separator: str) -> dict[str, Any]:
    return {"quoting": csv.QUOTE_NONE} if separator == "\t" else {}


def _lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [
                line for line in itertools.islice(iter(lambda: file.readline(_LONGEST), ""), _LINES) if line.strip()
            ]
    except UnicodeDecodeError:
        raise DocumentError(
            "is no table: it is not UTF-8 text", where=shown_path(path), hint="mlms readers lists what can be read"
        ) from None
    if not lines:
        raise DocumentError("holds nothing", where=shown_path(path))
    return lines


def _label(columns: Sequence[str | int], rows: Sequence[Sequence[str]]) -> str | int:
    """The column that is called so; else the one with the fewest different values."""
    for column in columns:
        if str(column).strip().lower() in _ANSWERS:
            return column
    if len(columns) < 2 or not rows:
        return "none"
    different = {
        place: (len({row[place] for row in rows}), sum(len(row[place]) for row in rows))
        for place in range(len(columns))
    }
    return columns[min(different, key=lambda place: different[place])]


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def of_folder(folder: Path) -> tuple[str, dict[str, Any]]:
    """A reader and its options: the names of subfolders are labels, where there are any.

    Raises:
        DocumentError: it holds no file.
    """
    if not any(path.is_file() for path in folder.rglob("*")):
        raise DocumentError("holds no files", where=shown_path(folder))
    inner = any(path.is_dir() for path in folder.iterdir())
    return "files", {"asset": "items"} | ({"pattern": "^(?P<label>[^/]+)/"} if inner else {})


def counted(path: Path, reader: str, options: Mapping[str, Any]) -> int:
    """How many items there are: they are read.

    Raises:
        DocumentError: the file is not of the format.
    """
    return sum(1 for _ in member("datasets", reader).read({options["asset"]: path}, options))


def dataset(draft: DatasetDraft) -> str:
    """The text of a dataset's manifest, for a file in ``draft.folder``."""
    return "\n".join([*_dataset(draft), ""])


def _dataset(draft: DatasetDraft) -> Iterator[str]:
    yield "schema: dataset/1"
    yield f"name: {scalar(draft.name)}  # the same as the file's"
    yield f"version: {json.dumps(draft.version)}"
    yield f"license: {scalar(draft.license)}  # an SPDX expression; NOASSERTION while it is not known"
    yield f"description: {scalar(draft.description)}"
    yield "# The files, with the SHA-256 that is checked before every use (mlms hash PATH prints it)."
    yield "assets:"
    yield from asset("items", draft.path, draft.folder, draft.license)
    yield "# Its parts: how many items each has, and how they are read (mlms readers lists the formats)."
    yield "splits:"
    yield f"  {scalar(draft.split)}:"
    yield f"    items: {draft.items}"
    yield "    reader:"
    yield f"      {draft.reader}: {json.dumps(draft.options, ensure_ascii=False)}"


def claim(draft: ClaimDraft) -> str:
    """The text of a file with one claim."""
    return "\n".join([*_claim(draft), ""])


def _claim(draft: ClaimDraft) -> Iterator[str]:
    yield "schema: claim/1"
    yield f"id: {scalar(draft.id)}"
    yield f"model: {scalar(draft.model)}"
    if draft.dataset is not None:
        # More keys of a dataset: items (a sample of so many), relation (same, sample or other data than the author's).
        name = scalar(draft.dataset)
        yield f"dataset: {{name: {name}, split: {scalar(draft.split)}}}" if draft.split else f"dataset: {name}"
    yield f"metric: {scalar(draft.metric)}"
    yield f"value: {json.dumps(draft.value)}"
    yield f"unit: {scalar(draft.unit)}"
    if draft.measures is not None:
        yield f"conditions: {{measures: {draft.measures}}}"
    yield "# Without a tolerance, half a unit of the last printed digit is admitted: tolerance: {absolute: 0.5}"
    yield "source:"
    yield f"  title: {scalar(draft.title)}"
    yield f"  where: {scalar(draft.where)}"
    yield f"  figure: {json.dumps(draft.figure, ensure_ascii=False)}  # as printed"
    if draft.url:
        yield f"  url: {scalar(draft.url)}"
    yield f"  read: {json.dumps(draft.read)}"

"""Read a table of results: delimited text with a header, one figure a line or one stack a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError, UsageError
from pytest_mlmodelscope.table.cells import Cell, Metric, Published, Table
from pytest_mlmodelscope.table.columns import Layout, layout
from pytest_mlmodelscope.table.metric import FRACTION, named, unit_of
from pytest_mlmodelscope.table.number import Number, is_missing, number, whole_number

DELIMITERS: Final = (",", ";", "\t", "|")
#: Names of a metric in a table that has one column of figures and does not say of what.
UNNAMED: Final = "accuracy"


@dataclass(frozen=True, slots=True)
class _Raw:
    """A figure as printed, with the unit that column or cell gives."""

    cell: Cell
    unit: str | None
    measured: Number | None
    claimed: Number | None
    claimed_unit: str | None
    tolerance: Number | None
    claimed_n: int | None


def read_table(
    path: Path, given: Mapping[str, str] | None = None, metrics: Sequence[str] = (), claims: bool = False
) -> Table:
    """The table in a file.

    ``given`` says of roles which column they are, ``metrics`` which columns hold figures; ``claims``:
    the figures are claimed ones.

    Raises:
        DocumentError: with file and line, a column that is missing or misspelt, a cell that is no number.
        UsageError: the file cannot be read.
    """
    rows = list(_rows(path))
    if not rows:
        raise DocumentError("is empty", where=shown_path(path), expected="a header and a line for each result")
    line, header = rows[0]
    found = layout(header, f"{shown_path(path)}:{line}", given or {}, metrics, claims)
    raw = [one for line, row in rows[1:] for one in _figures(path, line, row, header, found)]
    if not any(one.measured for one in raw):
        raise DocumentError("holds no figure", where=shown_path(path), expected="a number in a column of figures")
    cells, notes = _in_one_unit(_labelled(raw))
    if found.ignored:
        notes.append(f"columns of which nothing is read: {', '.join(found.ignored)}")
    return Table(shown_path(path), tuple(cells), tuple(notes))


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not blank, with their numbers."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=shown_path(path)) from None
    except UnicodeDecodeError:
        raise DocumentError("is not text", where=shown_path(path), expected="comma-separated values in UTF-8") from None
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(DELIMITERS, key=first.count)
    reader, start = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1
    try:
        for row in reader:
            if any(part.strip() for part in row):
                yield start, [part.strip() for part in row]
            start = reader.line_num + 1
    except csv.Error as error:
        raise DocumentError(f"is not a table: {error}", where=f"{shown_path(path)}:{start}") from None


def _figures(path: Path, line: int, row: list[str], header: Sequence[str], found: Layout) -> Iterator[_Raw]:
    where = f"{shown_path(path)}:{line}"
    if len(row) > len(header):
        raise DocumentError("has more columns than the header", where=where, expected=len(header), got=len(row))
    row = row + [""] * (len(header) - len(row))
    cell = _place(line, row, found, where)
    if found.wide:
        yield from _of_wide(row, header, found, cell, where)
    else:
        yield _of_long(row, found, cell, where)


def _text(row: Sequence[str], found: Layout, role: str) -> str:
    return " ".join(row[place] for place in found.roles.get(role, ()) if row[place])


def _place(line: int, row: Sequence[str], found: Layout, where: str) -> Cell:
    """Whose figures a line has; the figure itself is filled in later."""
    model = _text(row, found, "model")
    if not model:
        raise DocumentError("names no model", where=where)
    n = _text(row, found, "n")
    return Cell(
        line=line,
        model=f"{model}\0{_text(row, found, 'version')}",
        framework=f"{_text(row, found, 'framework')}\0{_text(row, found, 'framework_version')}",
        machine=_text(row, found, "machine"),
        metric=Metric("", "other"),
        value=0.0,
        half=0.0,
        text="",
        n=None if is_missing(n) else whole_number(n, where),
        dataset=" ".join(filter(None, (_text(row, found, "dataset"), _text(row, found, "split")))),
        precision=_text(row, found, "precision"),
        batch=_text(row, found, "batch"),
    )


def _of_long(row: Sequence[str], found: Layout, cell: Cell, where: str) -> _Raw:
    unit = unit_of(_text(row, found, "unit"))
    metric = named(_text(row, found, "metric") or UNNAMED)
    value, claimed = (number(_text(row, found, role), where, role) for role in ("value", "published"))
    n = _text(row, found, "published_n")
    return _Raw(
        replace(cell, metric=metric, text=_text(row, found, "value")),
        unit,
        value,
        claimed,
        unit,
        number(_text(row, found, "tolerance"), where, "tolerance"),
        None if is_missing(n) else whole_number(n, where),
    )


def _of_wide(row: Sequence[str], header: Sequence[str], found: Layout, cell: Cell, where: str) -> Iterator[_Raw]:
    measured = {place: told for place, told in found.wide.items() if not told.claimed}
    claimed = {told.metric: place for place, told in found.wide.items() if told.claimed}
    if not measured:  # a table of claims alone
        measured, claimed = dict(found.wide), {}
    n = _text(row, found, "published_n")
    for place, told in measured.items():
        beside = claimed.get(told.metric)
        alone = found.roles.get("published") if len(measured) == 1 else None
        beside = alone[0] if beside is None and alone else beside
        yield _Raw(
            replace(cell, metric=told.metric, text=row[place]),
            told.unit,
            number(row[place], where, header[place]),
            None if beside is None else number(row[beside], where, header[beside]),
            found.wide[beside].unit if beside is not None and beside in found.wide else told.unit,
            number(_text(row, found, "tolerance"), where, "tolerance"),
            None if is_missing(n) else whole_number(n, where),
        )


def _labelled(raw: Sequence[_Raw]) -> list[_Raw]:
    """A version is part of a name only where it tells two apart."""
    several = {}
    for key in ("model", "framework"):
        versions: dict[str, set[str]] = {}
        for one in raw:
            name, _, version = getattr(one.cell, key).partition("\0")
            versions.setdefault(name, set()).add(version)
        several[key] = {name for name, known in versions.items() if len(known) > 1}

    def label(text: str, key: str) -> str:
        name, _, version = text.partition("\0")
        return f"{name} {version}".strip() if name in several[key] else name

    return [
        replace(
            one,
            cell=replace(
                one.cell,
                model=label(one.cell.model, "model"),
                framework=label(one.cell.framework, "framework"),
            ),
        )
        for one in raw
    ]


def _in_one_unit(raw: Sequence[_Raw]) -> tuple[list[Cell], list[str]]:
    """Shares and scores as fractions; a column that gives no unit is in per cent where most of it is above 1."""
    notes: list[str] = []
    scales = {metric: _scale([one for one in raw if one.cell.metric == metric]) for metric in _metrics(raw)}
    for unit in dict.fromkeys(unit for metric, (unit, _) in scales.items() if metric.kind != "other" and unit):
        of = ", ".join(metric.name for metric, (its, _) in scales.items() if its == unit and metric.kind != "other")
        notes.append(f"taken to be in {unit}, for their size: {of}")
    cells = [_scaled(one, scales[one.cell.metric]) for one in raw if one.measured is not None]
    return cells, notes


def _metrics(raw: Sequence[_Raw]) -> list[Metric]:
    return list(dict.fromkeys(one.cell.metric for one in raw if one.measured is not None))


def _scale(raw: Sequence[_Raw]) -> tuple[str, str]:
    """In which unit measured and claimed figures are that say nothing of it: empty where all do."""
    measured = [one.measured.value for one in raw if one.measured and not (one.measured.unit or one.unit)]
    claimed = [one.claimed.value for one in raw if one.claimed and not (one.claimed.unit or one.claimed_unit)]
    guesses = [_guess_unit(values) for values in (measured, claimed)]
    return guesses[0], guesses[1] or guesses[0]


def _guess_unit(values: Sequence[float]) -> str:
    if not values:
        return ""
    return "%" if sum(abs(value) > 1 for value in values) * 2 > len(values) else "fractions"


def _scaled(one: _Raw, scale: tuple[str, str]) -> Cell:
    assert one.measured is not None
    unit = one.measured.unit or one.unit or scale[0]
    claimed_unit = (one.claimed.unit if one.claimed else None) or one.claimed_unit or scale[1]
    if one.cell.metric.kind == "other":
        factor = claimed_factor = 1.0
        shown = "" if unit in ("fractions", FRACTION) else unit
    else:
        factor, claimed_factor = (0.01 if text == "%" else 1.0 for text in (unit, claimed_unit))
        shown = "%"
    published = None
    if one.claimed is not None:
        tolerance = None if one.tolerance is None else one.tolerance.value * claimed_factor
        published = Published(
            one.claimed.value * claimed_factor, one.claimed.half * claimed_factor, tolerance, one.claimed_n
        )
    return replace(
        one.cell,
        value=one.measured.value * factor,
        half=one.measured.half * factor,
        unit="" if one.cell.metric.kind == "other" and scale[0] == "%" and not one.unit else shown,
        published=published,
    )

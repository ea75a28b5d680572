"""A matrix of frameworks in words: the cells of its table, and why some are empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_mlmodelscope.record.compare import Value
from pytest_mlmodelscope.record.matrix import CELLS, QUERY, Matrix, Row
from pytest_mlmodelscope.reports import _text

#: Of the accuracy run, where no latency case was run.
MARK: Final = "*"
EMPTY: Final = "-"


def title(matrix: Matrix) -> str:
    """Which model, over what."""
    on = "" if matrix.target == "cpu" else f", {matrix.target}"
    return _text.plain(f"{matrix.model} on {matrix.dataset}, {matrix.n:,} items{on}")


def head(matrix: Matrix) -> tuple[str, ...]:
    """The names of the columns."""
    return "framework", matrix.metric, "differ", "lost/won", "p", "max diff", "latency"


def name(row: Row) -> str:
    """The framework and its version, without what its makers say of the build, and where it ran."""
    where = f" on {row.machine}" if row.machine else ""
    return _text.plain(f"{row.framework} {row.version.partition('-')[0]}{where}")


def cells(matrix: Matrix, row: Row) -> tuple[str, ...]:
    """One row of the table; a dash where ``remarks`` says why there is nothing."""
    return (
        name(row) + (f" ({_text.plain(row.record)})" if row.record else ""),
        EMPTY if row.value is None else _value(matrix, row.value),
        EMPTY if row.differing is None else f"{row.differing:,}",
        EMPTY if row.lost is None or row.won is None else f"{row.lost:,}/{row.won:,}",
        EMPTY if row.p is None else f"{row.p:.2g}",
        EMPTY if row.difference is None else f"{row.difference:.2g}",
        EMPTY if row.latency_s is None else _latency(row, row.latency_s),
    )


def remarks(matrix: Matrix) -> list[str]:
    """Against which row the others are held, what the latency is of, and why cells are empty."""
    first = next((row for row in matrix.rows if row.value is not None), None)
    told = [] if first is None else [f"the others are held against {name(first)}"]
    if any(row.latency_s is not None and _of_the_run(row) for row in matrix.rows):
        told.append(f"{MARK} the worker's time for an item of the accuracy run, as no latency case was run")
    if any(row.value is not None and "," in row.machine for row in matrix.rows):
        told.append("a machine that is emulated or simulated has no latency")
    for row in matrix.rows:
        if row is not first:
            called = f"{row.framework} on {row.machine}" if row.machine else row.framework
            told += [f"{called}: {_text.plain(why)}" for why in _reasons(row)]
    return told


def rows(matrix: Matrix) -> Sequence[tuple[str, ...]]:
    """All rows of the table."""
    return [cells(matrix, row) for row in matrix.rows]


def _reasons(row: Row) -> list[str]:
    """Each reason once, with what it speaks of unless that is everything."""
    by_reason: dict[str, list[str]] = {}
    for cell in CELLS:
        if cell in row.why:
            by_reason.setdefault(row.why[cell], []).append(_CALLED[cell])
    return [
        why if len(called) == len(CELLS) else f"no {' and no '.join(called)}: {why}"
        for why, called in by_reason.items()
    ]


_CALLED: Final = {
    "value": "figure",
    "differing": "decisions compared",
    "p": "McNemar's test",
    "difference": "difference of outputs",
    "latency_s": "latency",
}


def _value(matrix: Matrix, value: float) -> str:
    places = _text.decimals(Value(value, value, value, matrix.n, True, "items"), matrix.unit)
    return _text.with_unit(_text.number(value, places), matrix.unit)


def _of_the_run(row: Row) -> bool:
    return row.latency_of != QUERY


def _latency(row: Row, seconds: float) -> str:
    scale, unit = (1.0, "s") if seconds >= 1 else (1e3, "ms") if seconds >= 1e-3 else (1e6, "us")
    return f"{seconds * scale:.3g} {unit}{MARK if _of_the_run(row) else ''}"

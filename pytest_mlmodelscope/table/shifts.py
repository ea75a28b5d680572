"""What no single figure shows: a framework or a machine that is a little off in all models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

import numpy as np

from pytest_mlmodelscope.table import flips
from pytest_mlmodelscope.table.cells import Cell, Rules
from pytest_mlmodelscope.table.outliers import comparable, variances
from pytest_mlmodelscope.verdict.together import holm

Part = Literal["framework", "machine"]
#: Models that a shift must be seen in.
LEAST_MODELS: Final = 4


@dataclass(frozen=True, slots=True)
class Shift:
    """``part`` called ``name`` is off by ``difference`` (a fraction) in the mean of the cells; p is corrected."""

    part: Part
    name: str
    metric: str
    difference: float
    cells: tuple[int, ...]
    p: float


def shifts(cells: Sequence[Cell], rules: Rules, apart: frozenset[int]) -> list[Shift]:
    """Every framework and machine against the others, with p corrected for all of these tests (Holm).

    Cells that are ``apart`` already are left out, of both sides. A framework is held against other
    frameworks, a machine against the same framework on other machines. Numerical differences of
    different models have no common direction, so their sum has the sum of their variances; the mean
    is taken to be nearer to 0 by what is negligible.
    """
    groups = comparable(cells)
    per_item = variances(cells, [group for group in groups if len(group) > 1], rules)
    found = [
        shift
        for part, name, metric in _tests(cells)
        if (shift := _shift(cells, groups, (part, name, metric), apart)) is not None
    ]
    spread = np.array(
        [per_item[one.metric] * sum(row.items * (1 + 1 / row.others) for row in one.rows) for one in found]
    )
    certain = np.array([_certain(one) for one in found])
    corrected = holm(flips.tail(certain, spread).tolist())
    return [
        Shift(
            one.part,
            one.name,
            one.metric,
            sum(row.difference for row in one.rows) / sum(row.items for row in one.rows),
            tuple(sorted(place for row in one.rows for place in row.cells)),
            p,
        )
        for one, p in zip(found, corrected, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Row:
    """Of one model: the difference in items, of how many, against how many others, the rounding, its cells."""

    model: str
    difference: float
    items: int
    others: int
    rounding: float
    cells: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is held against the others, model by model."""

    part: Part
    name: str
    metric: str
    rows: tuple[_Row, ...]


def _certain(one: _Rows) -> float:
    """The sum of the differences in items, less rounding and what is negligible."""
    allowed = sum((flips.NEGLIGIBLE + row.rounding) * row.items for row in one.rows)
    return max(0.0, abs(sum(row.difference for row in one.rows)) - allowed)


def _tests(cells: Sequence[Cell]) -> Iterator[tuple[Part, str, str]]:
    metrics = dict.fromkeys(cell.metric.name for cell in cells if cell.metric.kind != "other")
    parts: tuple[Part, ...] = ("framework", "machine")
    for part in parts:
        names = list(dict.fromkeys(getattr(cell, part) for cell in cells))
        # Of two, each is off from the other by as much.
        for name in names[:1] if len(names) == 2 else names:
            for metric in metrics:
                yield part, name, metric


def _shift(
    cells: Sequence[Cell], groups: Sequence[Sequence[int]], test: tuple[Part, str, str], apart: frozenset[int]
) -> _Rows | None:
    part, name, metric = test
    rows: list[_Row] = []
    for group in groups:
        if cells[group[0]].metric.name == metric:
            rows += _differences(cells, [place for place in group if place not in apart], part, name)
    enough = len({row.model for row in rows}) >= LEAST_MODELS
    return _Rows(part, name, metric, tuple(rows)) if enough else None


def _differences(cells: Sequence[Cell], usable: Sequence[int], part: Part, name: str) -> Iterator[_Row]:
    """One for each model: its machines say the same of a framework, and so do its frameworks of a machine."""
    own = [place for place in usable if getattr(cells[place], part) == name]
    others = [place for place in usable if place not in own]
    if part == "machine":
        frameworks = {cells[place].framework for place in own} & {cells[place].framework for place in others}
        own, others = ([place for place in side if cells[place].framework in frameworks] for side in (own, others))
    if not own or not others or len({cells[place].n for place in (*own, *others)}) > 1:
        return
    first = cells[own[0]]
    n = first.n or 1
    here, there = (median(cells[place].value for place in side) for side in (own, others))
    stacks = len({cells[place].framework for place in others})
    yield _Row(first.model, (here - there) * n, n, stacks, 2 * first.half, tuple(own))

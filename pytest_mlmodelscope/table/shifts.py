"""What no single figure shows: a framework or a machine that is a little off in all models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

import numpy as np

from pytest_mlmodelscope.table import flips
from pytest_mlmodelscope.table.cells import Cell, Rules
from pytest_mlmodelscope.table.outliers import comparable, variance_per_item

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
    groups = comparable([cell for cell in cells])
    per_item = variance_per_item(cells, [group for group in groups if len(group) > 1], rules)
    found = [
        shift
        for part, name, metric in _tests(cells)
        if (shift := _shift(cells, groups, (part, name, metric), per_item, apart)) is not None
    ]
    corrected = flips.holm([one.p for one in found])
    return [
        Shift(one.part, one.name, one.metric, one.difference, one.cells, p)
        for one, p in zip(found, corrected, strict=True)
    ]


def _tests(cells: Sequence[Cell]) -> Iterator[tuple[Part, str, str]]:
    metrics = dict.fromkeys(cell.metric.name for cell in cells if cell.metric.kind != "other")
    for metric in metrics:
        for framework in dict.fromkeys(cell.framework for cell in cells):
            yield "framework", framework, metric
        for machine in dict.fromkeys(cell.machine for cell in cells):
            yield "machine", machine, metric


def _shift(
    cells: Sequence[Cell],
    groups: Sequence[Sequence[int]],
    test: tuple[Part, str, str],
    per_item: float,
    apart: frozenset[int],
) -> Shift | None:
    part, name, metric = test
    # Of each model: the difference in items, its variance, and the cells it is of.
    rows: list[tuple[float, float, list[int]]] = []
    for group in groups:
        if cells[group[0]].metric.name == metric:
            usable = [place for place in group if place not in apart]
            rows += _differences(cells, usable, part, name, per_item)
    models = {cells[row[2][0]].model for row in rows}
    if len(models) < LEAST_MODELS:
        return None
    items = sum(cells[row[2][0]].n or 1 for row in rows)
    total = sum(row[0] for row in rows)
    certain = max(0.0, abs(total) - flips.NEGLIGIBLE * items - sum(_rounding(cells, row[2]) for row in rows))
    p = float(flips.tail(np.array([certain]), np.array([sum(row[1] for row in rows)]))[0])
    places = sorted(place for row in rows for place in row[2])
    return Shift(part, name, metric, total / items, tuple(places), p)


def _rounding(cells: Sequence[Cell], places: Sequence[int]) -> float:
    return 2 * cells[places[0]].half * (cells[places[0]].n or 1)


def _differences(
    cells: Sequence[Cell], usable: Sequence[int], part: Part, name: str, per_item: float
) -> Iterator[tuple[float, float, list[int]]]:
    """One for each model: its machines say the same of a framework, and so do its frameworks of a machine."""
    own = [place for place in usable if getattr(cells[place], part) == name]
    others = [place for place in usable if place not in own]
    if part == "machine":
        frameworks = {cells[place].framework for place in own} & {cells[place].framework for place in others}
        own, others = ([place for place in side if cells[place].framework in frameworks] for side in (own, others))
    if not own or not others or len({cells[place].n for place in (*own, *others)}) > 1:
        return
    n = cells[own[0]].n or 1
    here, there = (median(cells[place].value for place in side) for side in (own, others))
    yield (here - there) * n, per_item * n, own

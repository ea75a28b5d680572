"""Figures that are no shares, such as latencies: far from what model and stack together make likely.

Stacks differ in speed and models in size, so that each figure is taken as a product of the two: on a
logarithmic scale a sum, fitted by medians. What is left over has a robust spread and, for safety, the
tails of Student's t with 5 degrees of freedom.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.table.cells import Cell
from pytest_mlmodelscope.verdict.together import holm

#: Models and stacks that a product can be told from.
LEAST: Final = 3
#: Left over is at least this much: a factor of 1.1.
_LEAST_SPREAD: Final = 0.1
_DEGREES: Final = 5
_ROUNDS: Final = 10
_MAD: Final = 1.4826


@dataclass(frozen=True, slots=True)
class Residual:
    """One figure, by what factor it differs from the expected one, and its p, corrected."""

    cell: int
    factor: float
    p: float


def residuals(cells: Sequence[Cell]) -> list[Residual]:
    """Every figure of a metric that enough models and stacks have, with p corrected for all (Holm)."""
    tables: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for place, cell in enumerate(cells):
        if cell.metric.kind == "other" and cell.value > 0:
            tables[cell.metric.name, cell.dataset, cell.precision, cell.batch].append(place)
    found = [one for places in tables.values() for one in _of_table(cells, places)]
    corrected = holm([one.p for one in found])
    return [Residual(one.cell, one.factor, p) for one, p in zip(found, corrected, strict=True)]


def _of_table(cells: Sequence[Cell], places: Sequence[int]) -> Iterator[Residual]:
    models = list(dict.fromkeys(cells[place].model for place in places))
    stacks = list(dict.fromkeys(cells[place].stack for place in places))
    if len(models) < LEAST or len(stacks) < LEAST:
        return
    from scipy.stats import t

    grid = np.full((len(models), len(stacks)), np.nan)
    at = [(models.index(cells[place].model), stacks.index(cells[place].stack)) for place in places]
    for where, place in zip(at, places, strict=True):
        grid[where] = math.log(cells[place].value)
    left, free = _polished(grid)
    known = np.abs(left[~np.isnan(left)])
    scale = max(_LEAST_SPREAD, _MAD * float(np.median(known)) * math.sqrt(known.size / max(free, 1)))
    for where, place in zip(at, places, strict=True):
        residual = float(left[where])
        yield Residual(place, math.exp(residual), 2 * float(t.sf(abs(residual) / scale, _DEGREES)))


def _polished(grid: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """What rows and columns do not explain (Tukey's median polish), and how many figures are free to vary."""
    left = grid.copy()
    for _ in range(_ROUNDS):
        left -= np.nanmedian(left, axis=1, keepdims=True)
        left -= np.nanmedian(left, axis=0, keepdims=True)
    return left, int((~np.isnan(grid)).sum()) - sum(grid.shape) + 1

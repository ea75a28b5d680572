"""How many items a share rests on: what the table says, else the least number that its digits admit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.table.cells import Cell, Table

#: Where nothing is known of the number of items. More of them would show smaller differences.
ASSUMED: Final = 1_000
#: Of the different figures of a column, so many must be shares of the number that is inferred.
_MOST: Final = 0.9
_LARGEST: Final = 200_000
#: Different figures, and at most so many decimals, from which a grid is told: it is no chance at all.
_LEAST_VALUES: Final = 10
_PLACES: Final = 6
_BLOCK: Final = 2_000


def with_items(table: Table, items: int | None = None) -> Table:
    """The table with a number of items for every share and score.

    What a row says counts, then ``items``. Else a printed share is k of n, rounded: the least n of
    which nine in ten of a dataset's figures are such roundings cannot be above the real one, so that
    no difference is taken for larger than it is.
    """
    known: dict[str, int] = {}
    notes = list(table.notes)
    for dataset in dict.fromkeys(cell.dataset for cell in table.cells):
        lacking = [cell for cell in table.cells if cell.dataset == dataset and _lacks(cell)]
        if lacking and items is None:
            known[dataset], note = _inferred(lacking)
            notes.append(f"{dataset}: {note}" if dataset else note)
    cells = tuple(replace(cell, n=items or known[cell.dataset]) if _lacks(cell) else cell for cell in table.cells)
    return replace(table, cells=cells, notes=tuple(notes))


def _lacks(cell: Cell) -> bool:
    return cell.n is None and cell.metric.kind != "other"


def _inferred(cells: Sequence[Cell]) -> tuple[int, str]:
    shares = [cell for cell in cells if cell.metric.kind == "share" and 0 <= cell.value <= 1]
    grid = _grid([(cell.value, cell.half) for cell in shares])
    if grid is not None:
        return grid, f"the figures are multiples of 1/{grid:,}, which is taken for the number of items (`--items N`)"
    found = least_items([cell.value for cell in shares], [cell.half for cell in shares])
    if found is None:
        return ASSUMED, f"the number of items is not known, and taken to be {ASSUMED:,} (`--items N` says it)"
    return found, f"the digits say that there were {found:,} items at least, which is taken (`--items N` says it)"


def _grid(pairs: Sequence[tuple[float, float]]) -> int | None:
    """The n of which most shares are multiples, where their digits would allow for more than these."""
    finest = min((half for _, half in pairs), default=0.0)
    places = round(-np.log10(2 * finest)) if finest else 99
    values = {round(value * 10**places) for value, _ in pairs} if places <= _PLACES else set()
    steps = [step for step in range(2, 10**places // 100 + 1) if 10**places % step == 0] if values else []
    fitting = [step for step in steps if sum(value % step == 0 for value in values) >= _MOST * len(values)]
    return 10**places // max(fitting) if fitting and len(values) >= _LEAST_VALUES else None


def least_items(values: Sequence[float], halves: Sequence[float]) -> int | None:
    """The least n of which most of the shares are k/n, rounded; None where there is none up to 200,000."""
    pairs = sorted(set(zip(values, halves, strict=True)))
    if not pairs:
        return None
    value, half = np.array(pairs).T
    wanted = int(np.ceil(_MOST * len(pairs)))
    for start in range(1, _LARGEST, _BLOCK):
        n = np.arange(start, start + _BLOCK, dtype=float)[:, None]
        fits = possible(value, half, n).sum(axis=1) >= wanted
        if fits.any():
            return start + int(np.argmax(fits))
    return None


def possible(value: NDArray[np.float64], half: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each share can be k of n items, rounded or cut off (the GRIM test).

    Source: Brown and Heathers, Social Psychological and Personality Science 8 (2017).
    """
    slack = half * (1 + 1e-6) + 1e-12
    rounded = np.abs(np.rint(value * n) / n - value) <= slack
    cut = np.abs(np.floor((value + 2 * half) * n + 1e-9) / n - value - half) <= slack
    return np.asarray(rounded | cut)

"""Figures that no run can give, whatever the model: certain, and without an error rate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from pytest_mlmodelscope.table.cells import Cell, Finding
from pytest_mlmodelscope.table.items import possible
from pytest_mlmodelscope.table.metric import is_amount

#: Of the shares of a metric with a stated n, so many at most may be no shares of it. Where more are, they
#: are averages of several runs or of classes, and n is not what they are divided by.
_ODD_ONES: Final = 0.25


def findings(cells: Sequence[Cell], stated: Sequence[bool]) -> Iterator[Finding]:
    """Everything impossible; ``stated`` says of each cell whether the table itself gives its n."""
    for place, cell in enumerate(cells):
        if cell.metric.kind != "other" and not -1e-9 <= cell.value <= 1 + 1e-9:
            hint = "a figure in per cent in a column of fractions?" if 1 < cell.value <= 100 else ""
            yield Finding("impossible", f"{_who(cell)} is outside 0 to 100 %", (place,), hint=hint)
        if is_amount(cell.metric) and cell.value <= 0:
            yield Finding("impossible", f"{_who(cell)} is not above 0", (place,))
    yield from _orders(cells)
    yield from _no_shares(cells, stated)


def notes(cells: Sequence[Cell], stated: Sequence[bool]) -> Iterator[str]:
    """Metrics whose figures are so often no shares of n that this is how they are made."""
    for metric, (odd, all_) in _odd(cells, stated).items():
        if len(odd) > _ODD_ONES * all_:
            yield f"{len(odd):,} of {all_:,} figures of {metric} are no shares of n items: averages, it seems"


def _orders(cells: Sequence[Cell]) -> Iterator[Finding]:
    """What is right among k answers is right among more of them."""
    rows: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for place, cell in enumerate(cells):
        if cell.metric.k is not None:
            rows[_row_key(cell)].append(place)
    for places in rows.values():
        ordered = sorted(places, key=lambda place: cells[place].metric.k or 0)
        for one, other in pairwise(ordered):
            a, b = cells[one], cells[other]
            gain = (a.value - b.value) if b.metric.error else (b.value - a.value)
            if a.metric.k != b.metric.k and gain < -(a.half + b.half):
                text = f"{_who(b)} is {'above' if b.metric.error else 'below'} its {a.metric.name}, {a.text}"
                yield Finding("impossible", text, (one, other), hint="are the two exchanged?")


def _row_key(cell: Cell) -> tuple[object, ...]:
    """Whose figure it is; not the line, as one result may take a line for each metric."""
    return cell.model, cell.stack, cell.dataset, cell.precision, cell.batch, cell.n, cell.metric.error


def _odd(cells: Sequence[Cell], stated: Sequence[bool]) -> dict[str, tuple[list[int], int]]:
    """Of each metric the shares that are none of their n, and how many there are in all."""
    chosen = [
        place
        for place, cell in enumerate(cells)
        if stated[place] and cell.metric.kind == "share" and 0 <= cell.value <= 1
    ]
    fits = possible(
        np.array([cells[place].value for place in chosen]),
        np.array([cells[place].half for place in chosen]),
        np.array([float(cells[place].n or 1) for place in chosen]),
    )
    found: dict[str, tuple[list[int], int]] = {}
    for place, fit in zip(chosen, fits, strict=True):
        odd, all_ = found.get(cells[place].metric.name, ([], 0))
        found[cells[place].metric.name] = (odd if fit else [*odd, place], all_ + 1)
    return found


def _no_shares(cells: Sequence[Cell], stated: Sequence[bool]) -> Iterator[Finding]:
    for odd, all_ in _odd(cells, stated).values():
        for place in odd if len(odd) <= _ODD_ONES * all_ else ():
            cell = cells[place]
            text = f"{_who(cell)} is no share of {cell.n:,} items"
            yield Finding("impossible", text, (place,), hint="items were left out, or n is another")


def _who(cell: Cell) -> str:
    return f"{cell.metric.name} of {cell.model} on {cell.stack}, {cell.text},"

"""A figure that differs from its model's others by more than numerics and sampling allow.

The stacks that agree, the most of them, are taken to be right; where no group is larger than the
others nothing says which is, and the model's stacks disagree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Final

import numpy as np

from pytest_mlmodelscope.table import flips
from pytest_mlmodelscope.table.cells import Cell, Rules

#: Median absolute deviation -> standard deviation of a normal distribution.
_MAD: Final = 1.4826


@dataclass(frozen=True, slots=True)
class Group:
    """Figures of one model, metric and dataset: the numbers of their cells, and what most agree on.

    ``reference`` is None where there is no larger group; ``agreeing`` are the cells that it is the
    median of.
    """

    cells: tuple[int, ...]
    reference: float | None
    agreeing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Deviation:
    """One cell against its group: the difference as a fraction, and its p, first alone, then corrected."""

    cell: int
    group: Group
    difference: float
    p: float


def comparable(cells: Sequence[Cell], kinds: Sequence[str] = ("share", "score")) -> list[list[int]]:
    """The cells that should say the same: of one model, metric, dataset and precision."""

    def key(place: int) -> tuple[str, str, str, str]:
        cell = cells[place]
        return cell.model, cell.metric.name, cell.dataset, cell.precision

    chosen = sorted((place for place, cell in enumerate(cells) if cell.metric.kind in kinds), key=key)
    return [list(places) for _, places in groupby(chosen, key=key)]


def variance_per_item(cells: Sequence[Cell], groups: Sequence[Sequence[int]], rules: Rules) -> float:
    """The variance of a difference for each item: what is allowed, or what this very table shows where that is more.

    The deviations from each model's median show it, robustly; the smallest of each model is the
    median's own.
    """
    found: list[float] = []
    for group in groups:
        if len(group) < 3 or not rules.paired:
            continue
        middle = median(cells[place].value for place in group)
        sizes = sorted(abs(cells[place].value - middle) * np.sqrt(cells[place].n or 1) for place in group)
        found += sizes[1:]
    if not found:
        return rules.flips
    spread = _MAD * float(np.median(found)) * (1 + 2 / np.sqrt(len(found)))
    return max(rules.flips, spread**2)


def deviations(cells: Sequence[Cell], rules: Rules, level: float) -> list[Deviation]:
    """Every cell of a group of two or more against it, with p corrected for all of them (Holm)."""
    groups = [group for group in comparable(cells) if len(group) > 1]
    per_item = variance_per_item(cells, groups, rules)
    tests = sum(map(len, groups))
    found = [one for group in groups for one in _against(cells, group, per_item, level / max(tests, 1), rules)]
    corrected = flips.holm([one.p for one in found])
    return [Deviation(one.cell, one.group, one.difference, p) for one, p in zip(found, corrected, strict=True)]


def _against(
    cells: Sequence[Cell], places: Sequence[int], per_item: float, level: float, rules: Rules
) -> Iterator[Deviation]:
    group = _group(cells, places, per_item, level, rules)
    if group.reference is None:
        values = [cells[place].value for place in places]
        for place in places:
            other = max(values, key=lambda value: abs(value - cells[place].value))
            p = _p(cells[place], other, cells[places[0]], per_item, rules)
            yield Deviation(place, group, cells[place].value - other, p)
        return
    typical = cells[group.agreeing[0]]
    differences = [cells[place].value - group.reference for place in places]
    for place, difference, p in zip(
        places, differences, _all_p(cells, places, group, typical, per_item, rules), strict=True
    ):
        yield Deviation(place, group, difference, p)


def _all_p(
    cells: Sequence[Cell], places: Sequence[int], group: Group, typical: Cell, per_item: float, rules: Rules
) -> list[float]:
    """One call for all that are paired: Skellam's tail costs as much for one as for many."""
    assert group.reference is not None
    reference = group.reference
    paired = [place for place in places if _is_paired(cells[place], typical, rules)]
    items = np.array([float(cells[place].n or 1) for place in paired])
    apart = [
        flips.apart(cells[place].value, reference, cells[place].half + typical.half, float(cells[place].n or 1))
        for place in paired
    ]
    found = dict(zip(paired, flips.tail(np.array(apart), per_item * items).tolist(), strict=True)) if paired else {}
    return [
        found[place] if place in found else _p(cells[place], reference, typical, per_item, rules) for place in places
    ]


def _is_paired(one: Cell, other: Cell, rules: Rules) -> bool:
    return one.metric.kind != "share" or (rules.paired and one.n == other.n)


def _p(cell: Cell, reference: float, typical: Cell, per_item: float, rules: Rules) -> float:
    n = cell.n or 1
    if _is_paired(cell, typical, rules):
        apart = flips.apart(cell.value, reference, cell.half + typical.half, n)
        return float(flips.tail(np.array([apart]), np.array([per_item * n]))[0])
    other = typical.n or 1
    return flips.unpaired_tail(round(cell.value * n), n, round(reference * other), other)


def _group(cells: Sequence[Cell], places: Sequence[int], per_item: float, level: float, rules: Rules) -> Group:
    """What the largest set of stacks agrees on. Each framework counts once, as its machines say the same;
    cells count where there is one framework.
    """

    def near(one: int, other: int) -> bool:
        a, b = cells[one], cells[other]
        if not _is_paired(a, b, rules):
            return _p(a, b.value, b, per_item, rules) > level
        n = a.n or 1
        return flips.apart(a.value, b.value, a.half + b.half, n) <= flips.critical(per_item * n, level)

    sets = {place: tuple(other for other in places if near(place, other)) for place in places}
    alone = len({cells[place].framework for place in places}) == 1
    sizes = [len({cells[one].framework for one in sets[place]}) if not alone else len(sets[place]) for place in places]
    best = [sets[place] for place, size in zip(places, sizes, strict=True) if size == max(sizes)]
    if any(not set(one) & set(best[0]) for one in best):
        return Group(tuple(places), None, ())
    agreeing = best[len(best) // 2]
    return Group(tuple(places), median(cells[one].value for one in agreeing), agreeing)

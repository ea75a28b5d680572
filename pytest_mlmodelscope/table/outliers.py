"""A figure that differs from its model's others by more than numerics and sampling allow.

The stacks that agree, the most of them, are taken to be right; where no group is larger than the
others nothing says which is, and the model's stacks disagree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import median
from typing import Final

import numpy as np

from pytest_mlmodelscope.table import flips
from pytest_mlmodelscope.table.cells import Cell, Rules
from pytest_mlmodelscope.verdict.together import holm

#: The shortest interval with half of so many normal values -> their standard deviation: one over its median in
#: 100,000 draws each (``benchmarks/constants.py``); and of very many values.
_SHORTEST: Final = {
    3: 2.75, 4: 5.33, 5: 1.69, 6: 2.37, 7: 1.39, 8: 1.73, 9: 1.24, 10: 1.47, 11: 1.16, 12: 1.32, 13: 1.1, 14: 1.23,
}  # fmt: skip
_SHORTEST_OF_MANY: Final = 0.741
#: The same of the difference of two.
_TWO: Final = 1.048
#: Stacks of a model, and models, from which a table shows how much its stacks differ.
LEAST_STACKS: Final = 3
LEAST_MODELS: Final = 3


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


def variances(cells: Sequence[Cell], groups: Sequence[Sequence[int]], rules: Rules) -> dict[str, float]:
    """Of each metric the variance of one stack's difference, for each item: what is allowed, or what this very
    table shows where that is more, as it does where every row is about items of its own.

    Of each model the shortest interval that holds half of its stacks shows it, and of these the median over
    all models: half of the stacks of half of the models may be off and do not count. Where models have two
    stacks, their difference shows it, up to what items drawn anew would make.
    """
    by_metric: dict[str, list[list[Cell]]] = defaultdict(list)
    for group in groups:
        by_metric[cells[group[0]].metric.name].append([cells[place] for place in group])
    return {
        metric: max(rules.flips, _scatter(members) ** 2) if rules.paired else rules.flips
        for metric, members in by_metric.items()
    }


def _scatter(groups: Sequence[Sequence[Cell]]) -> float:
    """The standard deviation of one item that the table shows; 0 where it has too few models to show any."""
    found = [_shortest_half(group) for group in groups if len(group) >= LEAST_STACKS]
    if len(found) < LEAST_MODELS:
        found = [_of_two(group) for group in groups if len(group) == 2]
    if len(found) < LEAST_MODELS:
        return 0.0
    return float(np.median(found) * (1 + 2 / np.sqrt(len(found))))


def _of_two(group: Sequence[Cell]) -> float:
    """The standard deviation by one difference, of one item, and no more than that of drawing it."""
    one, other = (cell.value for cell in group)
    drawn = np.sqrt(max(one * (1 - one), other * (1 - other), 0.0))
    return float(min(abs(one - other) * np.sqrt(group[0].n or 1) * _TWO, drawn))


def _shortest_half(group: Sequence[Cell]) -> float:
    """The standard deviation by the shortest half, of one item: in items it grows with the root of their number."""
    values = sorted(cell.value for cell in group)
    half = (len(values) + 1) // 2
    shortest = min(high - low for low, high in zip(values, values[half - 1 :], strict=False))
    return float(shortest * np.sqrt(group[0].n or 1) * _SHORTEST.get(len(values), _SHORTEST_OF_MANY))


def deviations(cells: Sequence[Cell], rules: Rules, level: float) -> list[Deviation]:
    """Every cell of a group of two or more against it, with p corrected for all of them (Holm)."""
    places = [places for places in comparable(cells) if len(places) > 1]
    noise = Noise(rules.paired, variances(cells, places, rules), level / max(sum(map(len, places)), 1))
    found = [pair for group in places for pair in _pairs(cells, _group(cells, group, noise))]
    others = [_others(cells, place, group) for place, group, _ in found]
    p = noise.tails([(cells[place], other) for place, _, other in found], others)
    return [
        Deviation(place, group, cells[place].value - other.value, corrected)
        for (place, group, other), corrected in zip(found, holm(p), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Noise:
    """How far figures of one model may lie apart: of each metric the variance of an item, and the level of a test."""

    paired: bool
    per_item: Mapping[str, float]
    level: float

    def is_paired(self, one: Cell, other: Cell) -> bool:
        """Whether two figures are of the same items."""
        return one.metric.kind != "share" or (self.paired and one.n == other.n)

    def near(self, one: Cell, other: Cell) -> bool:
        """Whether a difference of two figures, both with their own flips, is no less likely than the level."""
        if not self.is_paired(one, other):
            return _unpaired(one, other) > self.level
        n = one.n or 1
        apart = flips.apart(one.value, other.value, one.half + other.half, n)
        return apart <= flips.critical(2 * self.per_item[one.metric.name] * n, self.level)

    def tails(self, pairs: Sequence[tuple[Cell, Cell]], others: Sequence[int]) -> list[float]:
        """The probability of each difference from the median of so many others, which have flips of their own.

        One call for all that are paired: many cost as much as one.
        """
        variance = np.array([self.per_item[one.metric.name] * (one.n or 1) for one, _ in pairs])
        apart = [flips.apart(one.value, other.value, one.half + other.half, one.n or 1) for one, other in pairs]
        found = flips.tail(np.array(apart), variance * (1 + 1 / np.array(others))).tolist()
        return [
            float(p) if self.is_paired(one, other) else _unpaired(one, other)
            for p, (one, other) in zip(found, pairs, strict=True)
        ]


def _unpaired(one: Cell, other: Cell) -> float:
    n, other_n = one.n or 1, other.n or 1
    return flips.unpaired_tail(round(one.value * n), n, round(other.value * other_n), other_n)


def _pairs(cells: Sequence[Cell], group: Group) -> Iterator[tuple[int, Group, Cell]]:
    """Each cell of a group, and what it is held against: the reference, else the farthest of the others."""
    for place in group.cells:
        if group.reference is not None:
            yield place, group, replace(cells[group.agreeing[0]], value=group.reference)
        else:
            yield (
                place,
                group,
                max((cells[one] for one in group.cells), key=lambda one: abs(one.value - cells[place].value)),
            )


def _others(cells: Sequence[Cell], place: int, group: Group) -> int:
    """How many frameworks a cell is held against, besides its own."""
    return len({cells[one].framework for one in group.agreeing} - {cells[place].framework}) or 1


def _group(cells: Sequence[Cell], places: Sequence[int], noise: Noise) -> Group:
    """What the largest set of stacks agrees on, by the number of its votes."""
    sets = [tuple(other for other in places if noise.near(cells[place], cells[other])) for place in places]
    alone = len({cells[place].framework for place in places}) == 1
    votes = [_votes([cells[one] for one in found], alone) for found in sets]
    best = [found for found, number in zip(sets, votes, strict=True) if number == max(votes)]
    agreeing = _decided(cells, best)
    if agreeing is None:
        return Group(tuple(places), None, ())
    return Group(tuple(places), median(cells[one].value for one in agreeing), agreeing)


def _decided(cells: Sequence[Cell], best: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
    """The one of sets with as many votes: those that overlap are one, and of others the one with more than twice
    as many items right as any other has, as a fault makes a model worse; None where there is none.
    """
    if all(set(one) & set(best[0]) for one in best):
        return best[len(best) // 2]
    right = sorted((median(_right(cells[place]) for place in one), one) for one in best)
    most, found = right[-1]
    others = [share for share, one in right if not set(one) & set(found)]
    return found if most > 2 * max(others) else None


def _right(cell: Cell) -> float:
    return 1 - cell.value if cell.metric.error else cell.value


def _votes(agreeing: Sequence[Cell], alone: bool) -> tuple[int, int]:
    """Each framework has one, as its machines say the same; then each machine, where frameworks agree on it.

    ``alone``: there is one framework in all, so that only machines count.
    """
    frameworks = len({cell.framework for cell in agreeing})
    machines = len({cell.machine for cell in agreeing})
    return (len(agreeing), 0) if alone else (frameworks, machines if frameworks > 1 else 0)

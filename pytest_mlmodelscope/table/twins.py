"""Different models with the very same figures: one of them was loaded twice, it seems.

That two models are equally good in one metric by chance is common. In several at once it is not, and
how often it happens, the table itself shows: of the pairs that lie within ``width`` items of each
other in every metric, one in the product of ``2 * width + 1`` is the same in all of them by chance, as
the difference of two models is spread evenly over so short a stretch. With N such pairs, twins are
reported where N times this is below the rate; then the chance of any in a clean table is below it too.
Where k figures of two models are the same, on stacks that differ, the chance is a k-th of that (Markov).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from pytest_mlmodelscope.table.cells import Cell

#: Of the items that a model gets wrong, the share that another gets right at least.
OWN_MISTAKES: Final = 0.1

_Figures = tuple[tuple[str, int], ...]
#: The figures of a model on each of its stacks, and the cells that they are in.
_Stacks = dict[tuple[str, str], tuple[_Figures, list[int]]]


@dataclass(frozen=True, slots=True)
class Twins:
    """Two models with the same figures: the cells of both, and the chance of any such pair in the table."""

    models: tuple[str, str]
    cells: tuple[int, ...]
    metrics: tuple[str, ...]
    p: float


def twins(cells: Sequence[Cell], broken: frozenset[int]) -> list[Twins]:
    """Every pair of models that share all figures of some stack, in two metrics at least.

    ``broken`` cells prove nothing: what always gives the same answer is equally wrong everywhere.
    """
    found: list[Twins] = []
    for (metrics, _dataset, n), models in _by_model(cells, broken).items():
        near = {
            pair: compared
            for pair in combinations(sorted(models), 2)
            if not _same_name(*pair) and (compared := _near(models[pair[0]], models[pair[1]], n))
        }
        chance = sum(max(compared.values()) * len(compared) for compared in near.values())
        for (one, other), compared in near.items():
            same = {a for a, b in compared if a == b}
            if same:
                sides = (models[one], models[other])
                places = [place for side in sides for figures, at in side.values() if figures in same for place in at]
                found.append(Twins((one, other), tuple(sorted(places)), metrics, min(1.0, chance / len(same))))
    return found


def _by_model(
    cells: Sequence[Cell], broken: frozenset[int]
) -> dict[tuple[tuple[str, ...], str, int], dict[str, _Stacks]]:
    """Of all stacks that have the same metrics over as many items: model -> stack -> its figures, and their cells."""
    rows: dict[tuple[str, str, str, str, int], list[int]] = defaultdict(list)
    for place, cell in enumerate(cells):
        if cell.metric.kind == "share" and place not in broken:
            rows[cell.model, cell.stack, cell.dataset, cell.precision, cell.n or 1].append(place)
    found: dict[tuple[tuple[str, ...], str, int], dict[str, _Stacks]] = {}
    for (model, stack, dataset, precision, n), places in rows.items():
        figures = {cells[place].metric.name: round(cells[place].value * n) for place in places}
        if len(figures) > 1 and all(cells[place].half * n <= 1 for place in places):
            models = found.setdefault((tuple(sorted(figures)), dataset, n), {})
            models.setdefault(model, {})[stack, precision] = tuple(sorted(figures.items())), places
    return found


def _near(one: _Stacks, other: _Stacks, n: int) -> dict[tuple[_Figures, _Figures], float]:
    """The different pairs of figures of two models that lie near each other, and the chance of each of being the same.

    They are compared stack by stack, and each stack with what the other model has most often.
    """
    pairs = {(figures, other[stack][0]) for stack, (figures, _) in one.items() if stack in other}
    pairs |= {(figures, _usual(other)) for figures, _ in one.values()}
    pairs |= {(_usual(one), figures) for figures, _ in other.values()}
    found = {pair: _chance([(x, y) for (_, x), (_, y) in zip(*pair, strict=True)], n) for pair in pairs}
    return {pair: chance for pair, chance in found.items() if chance is not None}


def _usual(stacks: _Stacks) -> _Figures:
    return Counter(figures for figures, _ in stacks.values()).most_common(1)[0][0]


def _chance(pairs: Sequence[tuple[int, int]], n: int) -> float | None:
    """The chance that two models so near to each other are the same in all metrics; None where they are not near."""
    chance = 1.0
    for one, other in pairs:
        wrong = min(n - one, n - other, one, other)
        # Half a standard deviation of what the mistakes that are not shared make.
        width = math.floor(math.sqrt(2 * OWN_MISTAKES * max(wrong, 0)) / 2)
        if abs(one - other) > width:
            return None
        chance /= 2 * width + 1
    return chance


def _same_name(one: str, other: str) -> bool:
    """Whether two models differ in nothing but their version."""
    return one.rpartition(" ")[0] == other.rpartition(" ")[0] != ""

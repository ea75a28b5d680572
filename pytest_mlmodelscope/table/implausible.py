"""A model that is far below the others of its table wherever it runs.

That its stacks agree proves nothing: all of them may have the same wrong input, labels or weights. With
a claim the figure is held against that; without one, against the other models of the same data. Their
log odds are taken to be normal, and a new one of the same kind lies within Student's prediction interval.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import Final

from pytest_mlmodelscope.table.cells import Cell
from pytest_mlmodelscope.verdict.together import holm

#: Only a model with less than this share of the median model's figure is looked at.
FAR: Final = 1 / 3
LEAST_OTHERS: Final = 4
#: Models are never taken to be more alike than this, in log odds.
_LEAST_SPREAD: Final = 0.3


@dataclass(frozen=True, slots=True)
class Implausible:
    """A model whose figure ``value`` is not of the kind of the others', whose median is ``typical``."""

    model: str
    metric: str
    value: float
    typical: float
    cells: tuple[int, ...]
    p: float


def implausible(cells: Sequence[Cell], apart: frozenset[int]) -> list[Implausible]:
    """Every model that is far below the others, with p corrected for all models and metrics (Holm).

    Cells that are ``apart`` from their own model's others are left out.
    """
    tables: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, cell in enumerate(cells):
        if cell.metric.kind == "share" and place not in apart and 0 <= cell.value <= 1:
            tables[cell.metric.name, cell.dataset][cell.model].append(place)
    found = [one for models in tables.values() for one in _among(cells, models)]
    tests = [*(one.p for one in found), *([1.0] * (sum(map(len, tables.values())) - len(found)))]
    corrected = holm(tests)[: len(found)]
    return [
        Implausible(one.model, one.metric, one.value, one.typical, one.cells, p)
        for one, p in zip(found, corrected, strict=True)
    ]


def _among(cells: Sequence[Cell], models: dict[str, list[int]]) -> Iterator[Implausible]:
    right = {model: median(_right(cells[place]) for place in places) for model, places in models.items()}
    n = {model: cells[places[0]].n or 1 for model, places in models.items()}
    typical = median(right.values())
    far = [model for model, share in right.items() if share < FAR * typical]
    others = [_odds(share, n[model]) for model, share in right.items() if model not in far]
    if len(others) < LEAST_OTHERS:
        return
    from scipy.stats import t

    scale = max(stdev(others), _LEAST_SPREAD) * math.sqrt(1 + 1 / len(others))
    for model in far:
        p = float(t.cdf((_odds(right[model], n[model]) - fmean(others)) / scale, len(others) - 1))
        places = models[model]
        metric = cells[places[0]].metric
        shown = [1 - share if metric.error else share for share in (right[model], typical)]
        yield Implausible(model, metric.name, shown[0], shown[1], tuple(places), p)


def _right(cell: Cell) -> float:
    return 1 - cell.value if cell.metric.error else cell.value


def _odds(share: float, n: int) -> float:
    """Log odds, finite for a model that is always right or never."""
    hits = share * n
    return math.log((hits + 0.5) / (n - hits + 0.5))

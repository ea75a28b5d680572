"""Figures of one case over time: where their level changed, and whether they drift.

Both tests look at ranks alone and hold their false-alarm rate whatever the noise is like, as long as the figures of an
unchanging case are exchangeable: one session no more like the next than like any other.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

#: The probability that a history in which nothing changed shows a change or a drift in any of its cases.
ALARM: Final = 0.01
#: Figures that are looked at, the latest.
MOST: Final = 200
#: Random orders that a statistic is held against; fewer for long histories.
_ORDERS, _LEAST_ORDERS, _WORK = 20_000, 2_000, 2e8
#: At what p two neighbouring stretches are told apart: the rate of false alarms is held before.
_TOLD: Final = 0.05

_Ranks = NDArray[np.float64]
_Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Drift:
    """A figure that goes one way: by so much from one record to the next (Theil-Sen), with Mann-Kendall's p."""

    slope: float
    p: float


def change_points(values: Sequence[float], alarm: float = ALARM) -> list[int]:
    """The first index of every new level.

    Of figures that are exchangeable there is one with probability ``alarm`` at most; each stretch between two changes
    is looked at again at the same rate. Source: circular binary segmentation (Olshen and others, Biostatistics 5
    (2004)) on ranks, against random orders; a change has to stand against its neighbours as well.
    """
    figures = np.asarray(values, dtype=float)
    return _placed(figures, _standing(values, _split(figures, alarm)))


def _split(values: _Ranks, alarm: float) -> list[int]:
    """Where a stretch falls apart, recursively."""
    if len(values) < 2 or values.min() == values.max():
        return []
    doubled = _doubled(values)
    surprise, edges = _strangest(doubled)
    if _p(surprise, doubled) > alarm:
        return []
    ends = [0, *edges, len(values)]
    inner = [first + at for first, last in pairwise(ends) for at in _split(values[first:last], alarm)]
    return sorted([*edges, *inner])


def _doubled(values: _Ranks) -> _Whole:
    """Twice the mid-ranks less their mean: whole numbers, also with ties."""
    from scipy.stats import rankdata

    return np.rint(2 * rankdata(values) - len(values) - 1).astype(np.int64)


def _strangest(doubled: _Whole) -> tuple[float, list[int]]:
    """The stretch whose ranks are least like the others', as a probability, and its ends inside the whole."""
    n = len(doubled)
    sums = np.concatenate([[0], np.cumsum(doubled)])
    best, edges = 1.0, []
    for length, table in enumerate(_tables(n), 1):
        apart = np.abs(sums[length:] - sums[:-length])
        chances = table[apart] * _weights(n, length)
        start = int(chances.argmin())
        if chances[start] < best:
            best, edges = float(chances[start]), [start, start + length]
    return best, [edge for edge in edges if 0 < edge < n]


def _weights(n: int, length: int) -> _Ranks:
    """Of each stretch of a length: one that reaches an end is a single change, and there are n / 2 times fewer."""
    found = np.full(n - length + 1, n / 2)
    found[[0, -1]] = 1.0
    return found


@functools.cache
def _tables(n: int) -> list[_Ranks]:
    """For each length below n: the probability that twice the sum of so many ranks is so far from its mean.

    Exact, by counting the sets of ranks with each sum (Mann and Whitney, Annals of Mathematical Statistics 18 (1947)).
    """
    most = (n // 2) * (n - n // 2)
    counts = np.zeros((n + 1, most + 1))
    counts[0, 0] = 1.0
    # The sum of a set of k ranks less the least that it can be: a rank r goes k-th with r - k to spare.
    for rank in range(1, n + 1):
        for size in range(min(rank, n), 0, -1):
            spare = rank - size
            if spare <= most:
                counts[size, spare:] += counts[size - 1, : most + 1 - spare]
    return [_tails(counts[size, : size * (n - size) + 1]) for size in range(1, n)]


def _tails(counts: _Ranks) -> _Ranks:
    """By twice the distance from the middle."""
    sums = np.arange(len(counts))
    away = np.abs(2 * sums - (len(counts) - 1))
    found = np.bincount(away, weights=counts, minlength=len(counts)) / counts.sum()
    chances: _Ranks = np.cumsum(found[::-1])[::-1]
    return chances


def _p(surprise: float, doubled: _Whole) -> float:
    tied = len(np.unique(doubled)) < len(doubled)
    null = _orders(doubled) if tied else _untied(len(doubled))
    return float((1 + (null <= surprise * (1 + 1e-9)).sum()) / (1 + len(null)))


@functools.cache
def _untied(n: int) -> _Ranks:
    """Without ties the number of figures is all that matters."""
    return _orders(2 * np.arange(n) - (n - 1))


def _orders(doubled: _Whole) -> _Ranks:
    """How strange the strangest stretch is in random orders of these ranks."""
    n = len(doubled)
    count = int(min(_ORDERS, max(_LEAST_ORDERS, _WORK / n**2)))
    draw = np.random.default_rng(20_041_001)
    shuffled = draw.permuted(np.broadcast_to(doubled, (count, n)), axis=1)
    sums = np.concatenate([np.zeros((count, 1), np.int64), np.cumsum(shuffled, axis=1)], axis=1)
    best = np.ones(count)
    for length, table in enumerate(_tables(n), 1):
        apart = np.abs(sums[:, length:] - sums[:, :-length])
        ends = table[np.maximum(apart[:, 0], apart[:, -1])]
        np.minimum(best, np.minimum(ends, table[apart.max(axis=1)] * (n / 2)), out=best)
    return best


def _standing(values: Sequence[float], found: Sequence[int]) -> list[int]:
    """Without those at which two neighbouring stretches are not told apart, the least certain first."""
    edges = list(found)
    while edges:
        ends = [0, *edges, len(values)]
        told = [_apart(values[a:b], values[b:c]) for a, b, c in zip(ends, ends[1:], ends[2:], strict=False)]
        worst = max(range(len(edges)), key=told.__getitem__)
        if told[worst] <= _TOLD:
            break
        del edges[worst]
    return edges


def _placed(values: _Ranks, edges: Sequence[int]) -> list[int]:
    """Each edge where its two neighbouring levels are nearest to the figures: ranks say that there is one."""
    found = list(edges)
    for number, _ in enumerate(edges):
        first = found[number - 1] if number else 0
        last = found[number + 1] if number + 1 < len(found) else len(values)
        left = [_away(values[first:at]) + _away(values[at:last]) for at in range(first + 1, last)]
        found[number] = first + 1 + int(np.argmin(left))
    return found


def _away(values: _Ranks) -> float:
    return float(np.abs(values - np.median(values)).sum())


def _apart(one: Sequence[float], other: Sequence[float]) -> float:
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(one, other).pvalue)


def drift(values: Sequence[float], alarm: float = ALARM) -> Drift | None:
    """Whether figures go one way; of exchangeable ones they seem to with probability ``alarm`` at most.

    Source: Mann, Econometrica 13 (1945), through SciPy's Kendall's tau.
    """
    from scipy.stats import kendalltau, theilslopes

    if len(values) < 2 or min(values) == max(values):
        return None
    order: Any = np.arange(len(values))
    p = float(kendalltau(order, values).pvalue)
    return Drift(float(theilslopes(values, order).slope), p) if p <= alarm else None


def is_a_line(values: Sequence[float], changes: Sequence[int]) -> bool:
    """Whether a straight line says more of the figures than the levels between these changes.

    By Schwarz's criterion for noise of Laplace's form: each level costs two parameters, where it is and begins.
    """
    from scipy.stats import theilslopes

    figures, order = np.asarray(values, dtype=float), np.arange(len(values))
    fit = theilslopes(figures, order)
    line = float(np.abs(figures - fit.intercept - fit.slope * order).sum())
    levels = sum(_away(part) for part in np.split(figures, list(changes)))
    if not line or not levels:
        return bool(line < levels)
    saved = 2 * len(figures) * np.log(levels / line)
    return bool(saved > (2 - 2 * len(changes) - 1) * np.log(len(figures)))

"""Which stacks are measured, and what each difference is worth: factorials, Shapley values, delta debugging."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

#: Differences up to which every combination is measured.
FULL: Final = 3
#: The probability that a difference without effect is named in one bisection.
ALARM: Final = 0.01
#: A timed change within this factor is none, as for baselines; and what a single difference must be worth to be named.
CHANGE: Final = 0.05
NAMED: Final = 0.02

#: The names of the differences that have B's value; all others have A's.
Cell = frozenset[str]
Word = Literal["explains", "no part", "undecided"]


@dataclass(frozen=True, slots=True)
class Share:
    """What one difference is worth: its Shapley value, with an interval where it was timed.

    ``alone`` is its effect on A, ``last`` its effect where all others have B's value; where these differ, it acts
    together with others. Timed figures are logarithms of ratios, others are in the figure's unit.
    """

    name: str
    value: float
    low: float
    high: float
    alone: float
    last: float
    word: Word


def cells(names: Sequence[str]) -> list[Cell]:
    """Every combination, A first and B last."""
    return [frozenset(chosen) for size in range(len(names) + 1) for chosen in combinations(names, size)]


def weights(names: Sequence[str], name: str) -> dict[Cell, float]:
    """The Shapley value of one difference as a sum over cells.

    Source: Shapley, A value for n-person games (1953).
    """
    found: dict[Cell, float] = {}
    others = [other for other in names if other != name]
    for size in range(len(others) + 1):
        weight = math.factorial(size) * math.factorial(len(others) - size) / math.factorial(len(names))
        for chosen in combinations(others, size):
            found[frozenset(chosen)] = -weight
            found[frozenset((*chosen, name))] = weight
    return found


def exact_shares(names: Sequence[str], figures: Mapping[Cell, float], least: float = 0.0) -> list[Share]:
    """What each difference is worth where nothing varies; more than ``least`` explains."""
    return [_share(names, name, figures, 0.0, least) for name in names]


def timed_shares(names: Sequence[str], runs: Mapping[Cell, Sequence[float]], looks: int = 1) -> list[Share]:
    """What each difference is worth by process runs, one a round in every cell, on a scale of logarithms.

    The intervals hold together with probability ``1 - ALARM``: Student's t on the rounds and cells pooled
    (a two-way layout), Bonferroni over the differences and over the ``looks`` that are taken. One is named
    when its interval lies wholly beyond ``NAMED``.
    """
    logs = {cell: np.log(np.asarray(values, dtype=float)) for cell, values in runs.items()}
    means = {cell: float(values.mean()) for cell, values in logs.items()}
    error, freedom = residual(list(logs.values()))
    rounds = len(next(iter(logs.values())))
    shares = []
    for name in names:
        spread = math.sqrt(sum(weight**2 for weight in weights(names, name).values()) / rounds)
        half = quantile(freedom, ALARM / (len(names) * looks)) * error * spread
        shares.append(_share(names, name, means, half, math.log1p(NAMED)))
    return shares


def _share(names: Sequence[str], name: str, figures: Mapping[Cell, float], half: float, least: float) -> Share:
    value = sum(weight * figures[cell] for cell, weight in weights(names, name).items())
    rest = frozenset(names) - {name}
    low, high = value - half, value + half
    slack = 1e-9 * max(1.0, abs(value))
    word: Word = "undecided"
    if low > least + slack or high < -least - slack:
        word = "explains"
    elif -least - slack <= low and high <= least + slack:
        word = "no part"
    alone = figures[frozenset([name])] - figures[frozenset()]
    return Share(name, value, low, high, alone, figures[frozenset(names)] - figures[rest], word)


def residual(sides: Sequence[NDArray[np.float64]]) -> tuple[float, int]:
    """The deviation of a process run from what its stack and its round make of it, and its degrees of freedom."""
    table = np.asarray(sides)
    left = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    return (math.sqrt(float((left**2).sum()) / freedom), freedom) if freedom else (math.inf, 0)


def quantile(freedom: int, alarm: float) -> float:
    """Student's, two-sided."""
    from scipy.stats import t

    return float(t.ppf(1 - alarm / 2, freedom)) if freedom else math.inf


def change(a: Sequence[float], b: Sequence[float], alarm: float = ALARM) -> tuple[float, float, float]:
    """The logarithm of the ratio of b's process runs to a's, taken in the same rounds, and the ends of its interval."""
    difference: Any = np.log(np.asarray(b, dtype=float)) - np.log(np.asarray(a, dtype=float))
    half = math.inf
    if len(difference) > 1:
        deviation = float(difference.std(ddof=1)) / math.sqrt(len(difference))
        half = quantile(len(difference) - 1, alarm) * deviation
    return float(difference.mean()), float(difference.mean()) - half, float(difference.mean()) + half


def minimal(names: Sequence[str], makes: Callable[[Cell], bool]) -> list[str]:
    """A smallest set of differences that makes the change, none of which can be left out; ``makes`` is asked of sets.

    Source: ddmin, Zeller and Hildebrandt, IEEE Transactions on Software Engineering 28 (2002).
    """
    kept, parts = list(names), 2
    while len(kept) > 1:
        pieces = [kept[round(len(kept) * n / parts) : round(len(kept) * (n + 1) / parts)] for n in range(parts)]
        found = _smaller(kept, pieces, makes)
        if found is not None:
            kept, parts = found, max(2, parts - 1) if len(found) > len(kept) / 2 else 2
        elif parts >= len(kept):
            break
        else:
            parts = min(len(kept), 2 * parts)
    return kept


def _smaller(kept: Sequence[str], pieces: Iterable[Sequence[str]], makes: Callable[[Cell], bool]) -> list[str] | None:
    """A piece that makes the change, else what is left without one."""
    halves = [list(piece) for piece in pieces]
    rests = [[name for name in kept if name not in piece] for piece in halves]
    for chosen in [*halves, *(rests if len(halves) > 2 else [])]:
        if 0 < len(chosen) < len(kept) and makes(frozenset(chosen)):
            return chosen
    return None

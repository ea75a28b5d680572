"""Confidence intervals: what a measured figure may really be.

All are two-sided. Proportions have exact intervals; other figures over items are bootstrapped;
timed figures rest on process runs, which are what varies independently.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.result import Interval

CONFIDENCE: Final = 0.95
#: The largest logarithm of a factor that a float holds.
_LARGEST: Final = math.log(sys.float_info.max)
#: Of a bootstrap, whose standard error they give within a few per cent.
RESAMPLES: Final = 300
#: Items that are left out, one at a time, to see how many matter; of more, so many are drawn.
LEFT_OUT: Final = 1000
#: How many items a figure has to hang on for an approximate interval to hold.
FEWEST: Final = 10
#: By how much smaller the error of an approximate interval is taken than the one that it promises.
SAFETY: Final = 2


def whole(value: float) -> Interval:
    """Every item was evaluated: there is no sampling error, and both ends are the figure."""
    return Interval(value, value, 1.0, "every item evaluated")


def of_calls(counts: Sequence[float]) -> Interval:
    """What single calls were counted to take: nothing is estimated, so all of them lie inside."""
    return Interval(min(counts), max(counts), 1.0, f"all of {len(counts)} calls")


def clopper_pearson(hits: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Exact interval of a proportion, from a sample of an unlimited population.

    Source: Clopper and Pearson, Biometrika 26 (1934), through SciPy.
    """
    from scipy.stats import binomtest

    found = binomtest(hits, n).proportion_ci(confidence, "exact")
    return Interval(float(found.low), float(found.high), confidence, "Clopper-Pearson")


def hypergeometric(hits: int, n: int, population: int, confidence: float = CONFIDENCE) -> Interval:
    """Exact interval of a proportion, from a sample without replacement of ``population`` items.

    The ends are the smallest and the largest number of hits in the population under which the
    sample is not too unlikely (tail probability above half of what confidence leaves).
    """
    from scipy.stats import hypergeom

    tail = (1.0 - confidence) / 2.0
    low = first(hits, population - (n - hits), lambda total: hypergeom.sf(hits - 1, population, total, n) > tail)
    high = last(hits, population - (n - hits), lambda total: hypergeom.cdf(hits, population, total, n) > tail)
    return Interval(low / population, high / population, confidence, "hypergeometric")


def first(low: int, high: int, holds: Callable[[int], Any]) -> int:
    """The smallest number in [low, high] for which a monotone condition holds."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def last(low: int, high: int, holds: Callable[[int], Any]) -> int:
    """The largest number in [low, high] for which a monotone condition holds."""
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure over items with its standard error, and how many items it really hangs on.

    A figure that a few items make (the rare ones that a model gets wrong, say) is not near to normal, and
    its resamples do not show what was not drawn.
    """

    value: float
    error: float
    items: float

    @property
    def is_open(self) -> bool:
        """Whether nothing can be said: too few items matter."""
        return not (self.items >= FEWEST and math.isfinite(self.error) and math.isfinite(self.value))


def estimate(figure: Callable[[NDArray[np.int64]], float], n: int) -> Estimate:
    """Any figure over ``n`` items: ``figure`` takes the indexes of some of them.

    The standard error is that of a bootstrap; the items are counted by what leaving one out does to the figure.
    """
    draw = np.random.default_rng(20_170_601)
    figures = np.array([figure(draw.integers(0, n, n)) for _ in range(RESAMPLES)])
    finite = figures[np.isfinite(figures)]
    everything = np.arange(n)
    value = figure(everything)
    left_out = everything if n <= LEFT_OUT else draw.choice(n, LEFT_OUT, replace=False)
    influence = np.array([value - figure(np.delete(everything, index)) for index in left_out])
    error = float(finite.std(ddof=1)) if len(finite) > RESAMPLES * 0.9 else math.inf
    return Estimate(value, error, _spread_over(influence) * n / max(len(left_out), 1))


def _spread_over(influence: NDArray[np.float64]) -> float:
    """How many items share an influence: all of them where each has as much, one where it has all."""
    scale = np.abs(influence).max(initial=0.0)
    if not 0 < scale < math.inf:
        return 0.0
    squares = ((influence - influence.mean()) / scale) ** 2
    return float(squares.sum() ** 2 / max((squares**2).sum(), 1e-300))


def bootstrap(found: Estimate, confidence: float = CONFIDENCE) -> Interval:
    """Interval of any figure over items: Student's t with the standard error of a bootstrap.

    It is approximate, so it is taken at half of the error that it promises; simulations show that it keeps
    the promise. Too few items that matter have no interval.
    """
    from scipy.stats import t

    if found.is_open:
        return Interval(-math.inf, math.inf, confidence, "bootstrap over items: too few that matter")
    half = float(t.ppf(1 - (1 - confidence) / (2 * SAFETY), found.items - 1)) * found.error
    return Interval(found.value - half, found.value + half, confidence, "bootstrap over items")


def geometric_mean(figures: Sequence[float]) -> float:
    """Of positive figures: what a timed one is over its process runs."""
    return math.exp(sum(map(math.log, figures)) / len(figures))


def power(logarithm: float) -> float:
    """The factor of a logarithm; infinite where no float holds it: few runs that differ much bound nothing."""
    return math.exp(logarithm) if logarithm < _LARGEST else math.inf


def process_runs(runs: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Interval of the geometric mean of positive figures, one for each process run.

    Student's t on the logarithms, which are nearer to normal than times are: queries inside one
    process are not independent, so their number adds no certainty. One run has no interval.
    """
    from scipy.stats import t

    logs = np.log(np.asarray(runs, dtype=float))
    if len(logs) < 2:
        return Interval(0.0, math.inf, confidence, "one process run")
    half = float(t.ppf(0.5 + confidence / 2, len(logs) - 1)) * float(logs.std(ddof=1)) / math.sqrt(len(logs))
    mean = float(logs.mean())
    return Interval(power(mean - half), power(mean + half), confidence, f"t over {len(logs)} process runs")

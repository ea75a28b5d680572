"""Confidence intervals: what a measured figure may really be.

All are two-sided. Proportions have exact intervals; other figures over items are bootstrapped;
timed figures rest on process runs, which are what varies independently.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.result import Interval

CONFIDENCE = 0.95


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
    low = _first(hits, population - (n - hits), lambda total: hypergeom.sf(hits - 1, population, total, n) > tail)
    high = _last(hits, population - (n - hits), lambda total: hypergeom.cdf(hits, population, total, n) > tail)
    return Interval(low / population, high / population, confidence, "hypergeometric")


def _first(low: int, high: int, holds: Callable[[int], Any]) -> int:
    """The smallest number in [low, high] for which a monotone condition holds."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _last(low: int, high: int, holds: Callable[[int], Any]) -> int:
    """The largest number in [low, high] for which a monotone condition holds."""
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low


def bootstrap(figure: Callable[[NDArray[np.int64]], float], n: int, confidence: float = CONFIDENCE) -> Interval:
    """Percentile bootstrap of any figure over items; ``figure`` takes the indexes of a resample."""
    draw = np.random.default_rng(20_170_601)
    figures = [figure(draw.integers(0, n, n)) for _ in range(1000)]
    finite = [value for value in figures if math.isfinite(value)]
    if not finite:
        return Interval(-math.inf, math.inf, confidence, "bootstrap over items")
    tail = 100 * (1.0 - confidence) / 2
    low, high = np.percentile(finite, [tail, 100 - tail])
    return Interval(float(low), float(high), confidence, "bootstrap over items")


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
    return Interval(math.exp(mean - half), math.exp(mean + half), confidence, f"t over {len(logs)} process runs")

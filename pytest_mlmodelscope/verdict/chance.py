"""How probable evidence as bad is where the claim is true: what decides together with other claims.

Each is two-sided, as the intervals are: twice the probability beyond the nearer edge, one at most. It is then at
most 0.05 exactly where the 95 % interval lies outside of what the claim admits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pytest_mlmodelscope.verdict.intervals import SAFETY, Estimate


def of_share(hits: int, n: int, low: float, high: float, population: int | None) -> float:
    """Of a sample without replacement from ``population`` items, or from something unlimited (None).

    ``low`` and ``high`` are the shares that the claim admits; either may be infinite.
    """
    if population is None:
        return _two_sided(_binomial_below(hits, n, low), _binomial_below(n - hits, n, 1 - high))
    lowest = math.ceil(max(low, 0.0) * population)
    highest = math.floor(min(high, 1.0) * population)
    too_many = _hypergeometric_below(n - hits, n, population - highest, population)
    return _two_sided(_hypergeometric_below(hits, n, lowest, population), too_many)


def _binomial_below(hits: int, n: int, share: float) -> float:
    """The probability of so few hits, where the share is at least this."""
    from scipy.stats import binom

    if share <= 0:
        return 1.0
    return 0.0 if share > 1 else float(binom.cdf(hits, n, share))


def _hypergeometric_below(hits: int, n: int, total: int, population: int) -> float:
    from scipy.stats import hypergeom

    return 0.0 if total > population else float(hypergeom.cdf(hits, population, total, n))


def of_runs(runs: Sequence[float], low: float, high: float) -> float:
    """Of positive figures, one for each process run: Student's t on their logarithms. One run says nothing: 1."""
    if len(runs) < 2:
        return 1.0
    logs = np.log(np.asarray(runs, float))
    error = float(logs.std(ddof=1)) / math.sqrt(len(logs))
    edges = (math.log(edge) if edge > 0 else -math.inf for edge in (low, high))
    return _of_t(float(logs.mean()), error, len(logs) - 1, *edges)


def of_estimate(found: Estimate, low: float, high: float) -> float:
    """Of any figure over items, as its interval is found; 1 where too few items matter."""
    if found.is_open:
        return 1.0
    return min(1.0, SAFETY * _of_t(found.value, found.error, found.items - 1, low, high))


def _of_t(value: float, error: float, freedom: float, low: float, high: float) -> float:
    from scipy.stats import t

    below, above = (_standard(value - low, error), _standard(high - value, error))
    return _two_sided(float(t.cdf(below, freedom)), float(t.cdf(above, freedom)))


def _standard(distance: float, error: float) -> float:
    """So many standard errors inside an edge; beyond all measure where there is no error."""
    return distance / error if error > 0 else math.copysign(math.inf, distance)


def _two_sided(below: float, above: float) -> float:
    return min(1.0, 2 * min(below, above))

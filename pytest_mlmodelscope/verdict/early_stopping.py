"""MLPerf's rule for percentiles of a limited number of queries: how many show what, at which error rate.

A latency keeps to a bound at percentile p when at least the share p of *all* queries does. Were it a smaller
share, ``t`` or fewer of ``n`` queries over the bound would be seen with a probability of at most
P(Bin(n, 1 - p) <= t). The rule accepts where that is at most 1 - c: so of the runs whose latencies do not keep to
the bound it accepts at most the share 1 - c, and it may not be asked again after every query.

Source: MLPerf Inference rules, "Early stopping"; LoadGen's ``early_stopping.cc``. Queries are taken for independent
of each other; how far they are is part of the record, and process runs stay the unit of a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

#: MLPerf's.
CONFIDENCE: Final = 0.99
_SLACK: Final = 1e-12


def passes(n: int, over: int, percentile: float, confidence: float = CONFIDENCE) -> bool:
    """Whether ``over`` of ``n`` queries over the bound show that the percentile (0-100) keeps to it."""
    from scipy.stats import binom

    return bool(n) and float(binom.cdf(over, n, 1 - percentile / 100)) <= 1 - confidence + _SLACK


def least_queries(over: int, percentile: float, confidence: float = CONFIDENCE) -> int:
    """The fewest queries of which so many may be over the bound."""
    low, high = over, max(1, over)
    while not passes(high, over, percentile, confidence):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if passes(middle, over, percentile, confidence):
            high = middle
        else:
            low = middle
    return high


def most_over(n: int, percentile: float, confidence: float = CONFIDENCE) -> int | None:
    """How many of so many queries may be over the bound; None where not even none would do."""
    from scipy.stats import binom

    guess = int(binom.ppf(1 - confidence, n, 1 - percentile / 100)) + 1
    return next((over for over in range(guess, -1, -1) if passes(n, over, percentile, confidence)), None)


def estimate(latencies: Sequence[float], percentile: float, confidence: float = CONFIDENCE) -> float | None:
    """A latency that the percentile does not exceed with this confidence, as LoadGen reports it; None where the
    queries are too few.

    It is the largest but ``t - 1``, where ``t`` is how many may be over a bound: then the bound may lie right
    below it. LoadGen wants ``t`` to be 1 at least.
    """
    over = most_over(len(latencies), percentile, confidence)
    if over is None or over < 1:
        return None
    return float(sorted(latencies)[len(latencies) - over])

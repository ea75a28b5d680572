"""How far two stacks of one model may lie apart for numerical reasons alone.

Rounding in the last bits turns an item over now and then, from right to wrong as often as back. With
a share ``flips`` of n items turned over, the difference in right items has the variance ``flips * n``
and mean 0; Skellam's distribution has this variance and tails that are no lighter.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: A difference up to this share of the items is nobody's finding, however certain it is.
NEGLIGIBLE: Final = 0.0005


def tail(difference: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of a difference at least as large, in items, of either sign."""
    from scipy.stats import skellam

    if not difference.size:
        return np.zeros(0)
    apart = np.ceil(np.abs(difference) - 1e-6)
    half = np.maximum(variance, 1e-12) / 2
    found = 2 * np.asarray(skellam.sf(apart - 1, half, half), dtype=float)
    return np.where(apart <= 0, 1.0, np.clip(np.nan_to_num(found, nan=0.0), 0.0, 1.0))


@lru_cache(maxsize=1024)
def critical(variance: float, level: float) -> float:
    """The largest difference, in items, that is not yet less likely than ``level``."""
    # SciPy's own inverse can search without end.
    farthest = 10 * math.ceil(math.sqrt(variance)) + 40
    likely = tail(np.arange(farthest, dtype=float), np.full(farthest, variance)) >= level
    return float(likely.sum() - 1)


def apart(one: float, other: float, slack: float, n: float) -> float:
    """How many items two shares lie apart for certain: less rounding, and less what is negligible."""
    return max(0.0, abs(one - other) - slack - NEGLIGIBLE) * n


def unpaired_tail(hits: int, n: int, other_hits: int, other_n: int) -> float:
    """Fisher's exact probability, two-sided by doubling, of shares of different items lying so far apart."""
    from scipy.stats import hypergeom

    together = (n + other_n, hits + other_hits, n)
    sides = float(hypergeom.cdf(hits, *together)), float(hypergeom.sf(hits - 1, *together))
    return min(1.0, 2 * min(sides))

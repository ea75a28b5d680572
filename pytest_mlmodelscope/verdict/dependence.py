"""How much of what queries say is their own: their autocorrelation, and how many independent ones they are worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Fewer queries than these say nothing of each other.
_FEWEST: Final = 8


@dataclass(frozen=True, slots=True)
class Dependence:
    """Of ``n`` queries in their order: the correlation of neighbours, and the ``effective`` number of them."""

    n: int
    lag_1: float
    effective: float


def dependence(latencies: NDArray[np.float64]) -> Dependence:
    """Of one process run. Ranks stand for the latencies, so that a few long ones decide nothing.

    The effective number is that of Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021, Bayesian Analysis 16,
    667): autocorrelations of rank-normalised values, summed as long as Geyer's sequence of pairs is positive,
    and never more of a pair than of the one before.
    """
    n = len(latencies)
    if n < _FEWEST or not np.ptp(latencies):
        return Dependence(n, 0.0, float(n))
    correlations = _autocorrelations(_normal_scores(latencies))
    pairs = correlations[: n // 2 * 2].reshape(-1, 2).sum(axis=1)
    ends = np.flatnonzero(pairs <= 0)
    kept = np.minimum.accumulate(pairs[: ends[0] if len(ends) else len(pairs)])
    times = max(2 * float(kept.sum()) - 1, 1 / np.log10(n))
    return Dependence(n, float(correlations[1]), n / times)


def _normal_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtri
    from scipy.stats import rankdata

    found: NDArray[np.float64] = ndtri((rankdata(values) - 0.375) / (len(values) + 0.25))
    return found


def _autocorrelations(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """At every lag, beginning with 0 (where it is 1)."""
    centred = values - values.mean()
    size = 2 ** int(np.ceil(np.log2(2 * len(values))))
    spectrum = np.fft.rfft(centred, size)
    found: NDArray[np.float64] = np.fft.irfft(spectrum * spectrum.conj(), size)[: len(values)]
    found /= found[0]
    return found

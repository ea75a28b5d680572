"""Between setups that reach the published figure alike: under which of them is the model surest of what is right?

A network was trained to make its answers likely under one way of preparing items, so that under another it is less
sure of those that are right, and surer of those that are wrong, even where no answer changes yet.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.cause.contest import Standing, hits_of

#: The least that is left of a share by this: it decides between equals, not against the figure.
LEAST: Final = 0.3
FEWEST: Final = 32


def by_likelihood(best: Sequence[Standing]) -> list[Standing]:
    """The same with shares that are less where the model is less sure, the likeliest first."""
    scores = [_scores(one) for one in best]
    known = [(row, len(row)) for row in scores if row is not None and len(row) >= FEWEST]
    if len(known) < 2:
        return list(best)
    n = min(length for _, length in known)
    first = max((row for row, _ in known), key=lambda row: float(row[:n].mean()))[:n]
    rows = zip(best, scores, strict=True)
    weighed = [dataclasses.replace(one, share=one.share * _weight(row, first)) for one, row in rows]
    return sorted(weighed, key=lambda one: -one.share)


def _weight(row: NDArray[np.float64] | None, first: NDArray[np.float64]) -> float:
    """By how many standard errors it is less likely than the likeliest."""
    n = len(first)
    if row is None or len(row) < n:
        return 1.0
    less = first - row[:n]
    error = float(less.std()) / np.sqrt(n)
    z = float(less.mean()) / error if error > 0 else 0.0
    return max(LEAST, float(np.exp(-(z**2) / 2)))


def _scores(one: Standing) -> NDArray[np.float64] | None:
    """How likely the model held it that its answer to an item is right, or wrong, as it is: the logarithm of that."""
    trial = one.trial
    guesses = trial.setup.options.get("k", 1)
    hits = hits_of(trial) if guesses == 1 else None
    if hits is None or len(trial.sure) != trial.n:
        return None
    sure = np.clip(np.asarray(trial.sure), 0.001, 0.999)
    scores: NDArray[np.float64] = np.log(np.where(hits, sure, 1 - sure))
    return scores

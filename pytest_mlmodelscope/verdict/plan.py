"""How many items a question will take, before the first is looked at: the rule is played on sets that are made up."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.verdict.sequential import Question

#: Runs that are played for each expectation; the mean is then known within a few per cent.
PATHS: Final = 200
_LOOKS: Final = 80


@dataclass(frozen=True, slots=True)
class Expected:
    """Items that it takes until the rule stops: the mean, what nine in ten runs stay within, and how they end."""

    items: int
    ninety: int
    confirmed: float
    refuted: float


@functools.lru_cache(maxsize=256)
def expected(question: Question, share: float, paths: int = PATHS) -> Expected:
    """What it takes where the share is really ``share``; the same for the same question, as the draws are fixed."""
    often = looks(question.available)
    stops, confirmed, refuted = play(question, share, often, paths, 20_170_601)
    # One looks more often than is played here: half of the way back to the look before.
    last = np.array([0, *often])[np.searchsorted(often, stops)]
    stops = np.where(stops < question.available, (stops + last + 1) / 2, stops)
    return Expected(
        round(float(stops.mean())),
        round(float(np.percentile(stops, 90))),
        float(confirmed.mean()),
        float(refuted.mean()),
    )


def looks(available: int) -> list[int]:
    """Numbers of items after which one looks: each of the first ones, then ever farther apart."""
    return sorted({min(available, round(n)) for n in (*range(1, 33), *np.geomspace(32, max(available, 33), _LOOKS))})


def play(
    question: Question, share: float, looks: Sequence[int], paths: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Let the rule run on ``paths`` sets whose share is really ``share``.

    Returns after how many items each stops (``available`` where it never does), and which of them confirm and
    refute. A finite set that is looked at whole is decided by its total, as a census is.
    """
    draw = np.random.default_rng(seed)
    stops = np.full(paths, question.available)
    hits = np.zeros(paths, np.int64)
    confirmed, refuted = np.zeros(paths, bool), np.zeros(paths, bool)
    n = 0
    for look in looks:
        hits, n = hits + _drawn(draw, question, share, n, look - n, hits), look
        different, of_path = np.unique(hits, return_inverse=True)
        yes, no = (found[of_path] for found in _settled(question, n, different))
        new = ~confirmed & ~refuted & (yes | no)
        stops[new], confirmed[new], refuted[new] = n, yes[new], ~yes[new]
        if (confirmed | refuted).all():
            break
    return stops, confirmed, refuted


def _drawn(draw: np.random.Generator, question: Question, share: float, n: int, more: int, hits: Any) -> Any:
    """Hits among the next items."""
    if question.population is None:
        return draw.binomial(more, share, len(hits))
    left = round(share * question.population) - hits
    return draw.hypergeometric(left, question.population - n - left, more)


def _settled(question: Question, n: int, hits: NDArray[np.int64]) -> tuple[Any, Any]:
    if n == question.population:
        true = (question.low <= hits / n) & (hits / n <= question.high)
        return true, ~true
    return question.settled(question.log_for(n, hits), question.log_against(n, hits))

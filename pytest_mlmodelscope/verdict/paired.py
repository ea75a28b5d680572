"""Evidence from what changed: a share of hits, where an earlier run over the whole set is known item by item.

Of each item the difference to the earlier run is -1, 0 or 1, nearly always 0, so that few items tell what many
would without it. The earlier total being known, the claim about the share is one about the sum of differences.
Bets are made on the next one against the mean that the rest of the set would have at the edge; where the truth
lies on the near side of it, no bet gains on average, so the stake grows to 1/error with a probability of at most
``error``. Source: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, JRSS B 86
(2024), for sets drawn from without replacement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.verdict.sequential import Edge, Numbers, Question, combined

#: Stakes, as shares of the most that can be lost: the best is the mean difference by the share of changed items.
_STAKES: Final = np.geomspace(0.04, 0.9, 8)
#: Small stakes weigh a little less: they are for sets that take long anyway.
_WEIGHTS: Final = _STAKES**0.3 / (_STAKES**0.3).sum()
#: What the evidence without the earlier run weighs, for when that says nothing of this one.
_ALONE: Final = 0.1


class Bets:
    """Bets against one edge: that the differences of all ``population`` items sum to ``near`` at most (or at least,
    where the alternatives lie below). Arrays of differences may have leading axes, for several paths at once.
    """

    def __init__(self, near: int, above: bool, population: int, paths: tuple[int, ...] = ()) -> None:
        self._side = 1 if above else -1
        self._near = self._side * near
        self._left = population
        self._sum = np.zeros(paths)
        self._logs = np.zeros((*paths, len(_STAKES)))

    def add(self, differences: Any) -> None:
        """The next items, in random order; their axis is the last."""
        gained = self._side * np.asarray(differences, float)
        so_far = self._sum[..., None] + np.cumsum(gained, axis=-1)
        left = self._left - np.arange(gained.shape[-1])
        mean = (self._near - (so_far - gained)) / left
        self._logs += self._growth(gained, mean)
        self._sum, self._left = so_far[..., -1], self._left - gained.shape[-1]

    def _growth(self, gained: Numbers, mean: Numbers) -> Numbers:
        """The sum over items of the log factor of each stake; infinite where the near side has become impossible."""
        least = np.clip(mean, -1 + 1e-9, 1)
        stake = np.where(least < 1, 1 / (1 + least), 0.0)[..., None] * _STAKES
        growth: Numbers = np.log1p(stake * (gained - least)[..., None]).sum(axis=-2)
        return np.where(np.any(mean < -1, axis=-1)[..., None], np.inf, growth)

    @property
    def log_e(self) -> Numbers:
        """The logarithm of the mean stake."""
        return np.asarray(np.logaddexp.reduce(self._logs + np.log(_WEIGHTS), axis=-1))


class Paired:
    """The evidence on a question about a finite set, of which ``earlier`` hits in all are known."""

    def __init__(self, question: Question, earlier: int, paths: tuple[int, ...] = ()) -> None:
        assert question.population is not None  # an earlier run over everything knows how many there are
        self._question = question
        self._against = _bets(question.refuting, earlier, question.population, paths)
        self._for = _bets(question.confirming, earlier, question.population, paths)
        self._n, self._hits = 0, np.zeros(paths)

    def add(self, hits: Any, before: Any) -> None:
        """Whether the next items are hits, and were in the earlier run."""
        differences = np.asarray(hits, float) - np.asarray(before, float)
        for bets in (*self._against, *self._for):
            bets.add(differences)
        self._n += differences.shape[-1]
        self._hits = self._hits + np.sum(hits, axis=-1)

    @property
    def log_against(self) -> Numbers:
        """As ``Question.log_against``."""
        return combined(self._logs(self._question.refuting, self._against))

    @property
    def log_for(self) -> Numbers:
        """As ``Question.log_for``."""
        return np.asarray(np.min(self._logs(self._question.confirming, self._for), axis=0))

    def _logs(self, edges: Sequence[Edge], all_bets: Sequence[Bets]) -> list[Numbers]:
        return [
            np.logaddexp(math.log(1 - _ALONE) + bets.log_e, math.log(_ALONE) + edge.log_e(self._n, self._hits))
            for edge, bets in zip(edges, all_bets, strict=True)
        ]


def _bets(edges: Sequence[Edge], earlier: int, population: int, paths: tuple[int, ...]) -> list[Bets]:
    return [Bets(round(edge.near * population) - earlier, edge.above, population, paths) for edge in edges]

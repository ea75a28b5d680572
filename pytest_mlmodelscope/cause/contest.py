"""The search: trials are evaluated on more and more of the same items, and those that cannot be the cause drop out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.cause.posterior import Aim, Draws, Strata, of_figure, of_share
from pytest_mlmodelscope.cause.trial import Trial, Trials
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.metric import ItemEvidence

#: Items of the first round; each round has twice as many as the one before.
FIRST: Final = 8
#: The same where the metric is no share of items, so that its error can only be found by resampling.
FIRST_OF_OTHERS: Final = 64
#: The chance, in each round, that a trial is dropped although it is the cause; ten rounds make one in a hundred.
CHANCE: Final = 0.001
#: Of the likelihood of the best: a trial below this is not followed any further.
NEGLIGIBLE: Final = 0.002
#: Items after which trials are compared with each other, and not only with the published figure.
COMPARED: Final = 128


@dataclass(frozen=True, slots=True)
class Standing:
    """How a trial stands: draws of its figure over all items, its figure over those evaluated, its share of the
    likelihood of all.
    """

    trial: Trial
    draws: Draws
    figure: float
    share: float


@dataclass(slots=True)
class Contest:
    """Trials around one published figure.

    ``declared`` is the manifest's own setup, ``population`` the number of items that the figure is about,
    ``right`` which items the declared setup got right, in the order of evaluation, where all are known.
    """

    trials: Trials
    aim: Aim
    declared: Trial
    population: int
    right: NDArray[np.bool_] | None
    slack: float
    entered: list[Trial] = field(default_factory=list)
    #: The likelihood of all trials together.
    total: float = 0.0
    _known: dict[tuple[int, int], Draws] = field(default_factory=dict)

    def run(self, entered: Sequence[Trial], deadline: float) -> list[Standing]:
        """Let trials enter and go on until the cause is plain, every item is evaluated, or the time is up."""
        self.entered += entered
        most = len(self.trials.items(self.declared))
        standings: list[Standing] = []
        for n in rounds(most, FIRST if is_share(self.declared) else FIRST_OF_OTHERS):
            alive = [trial for trial in self.entered if not trial.failed and not trial.hopeless]
            self.trials.extend([self.declared, *alive], n, deadline)
            standings = self.standings()
            self._drop(standings, n)
            if time.monotonic() > deadline or not any(not trial.hopeless for trial in alive) or _is_plain(standings, n):
                break
        return standings

    def standings(self) -> list[Standing]:
        """How all trials stand that were evaluated, the likeliest first."""
        self._refuse_unmeasurable()
        seen = [trial for trial in (self.declared, *self.entered) if trial.n and not trial.failed]
        draws = [self._draws(trial) for trial in seen]
        weights = np.array([trial.prior * self.aim.nearness(of) for trial, of in zip(seen, draws, strict=True)])
        self.total = float(weights.sum())
        shares = weights / (self.total or 1.0)
        rows = zip(seen, draws, shares, strict=True)
        found = [Standing(trial, of, figure_of(trial), float(share)) for trial, of, share in rows]
        return sorted(found, key=lambda standing: -standing.share)

    def distance(self, trial: Trial) -> float:
        """How far its figure may be expected to lie from the published one."""
        return float(self.aim.distance(self._draws(trial)).mean())

    def nearness(self, trial: Trial) -> float:
        """From 1 where its figure prints as the published one, down to 0."""
        return self.aim.nearness(self._draws(trial))

    def _drop(self, standings: Sequence[Standing], n: int) -> None:
        best = standings[0].share if standings else 0.0
        for standing in standings:
            trial = standing.trial
            lost = n >= COMPARED and standing.share < NEGLIGIBLE * best
            trial.hopeless = trial.hopeless or lost or self.aim.is_hopeless(standing.draws, CHANCE, self.slack)

    def _refuse_unmeasurable(self) -> None:
        """Trials whose predictions are none that the metric takes, or have no figure."""
        for trial in self.entered:
            if trial.n and not trial.failed and (id(trial), trial.n) not in self._known and np.isnan(figure_of(trial)):
                trial.failed = "its predictions have no figure"

    def _draws(self, trial: Trial) -> Draws:
        """Computed once for so many items."""
        key = (id(trial), trial.n)
        if key not in self._known:
            self._known[key] = self._drawn(trial)
        return self._known[key]

    def _drawn(self, trial: Trial) -> Draws:
        draw = np.random.default_rng(trial.n)
        hits = hits_of(trial)
        if hits is not None:
            own = self.right is not None and trial.data_key == self.declared.data_key
            return of_share(hits, self._strata() if own else _one_stratum(self._population(trial)), draw)
        return of_figure(lambda chosen: figure_of(trial, chosen), trial.n, self._population(trial), draw)

    def _population(self, trial: Trial) -> int:
        if trial.data_key == self.declared.data_key:
            return self.population
        return len(self.trials.items(trial))

    def _strata(self) -> Strata:
        assert self.right is not None  # who calls has looked
        totals = [int((~self.right).sum()), int(self.right.sum())]
        return Strata(self.right.astype(np.int64), totals)


def hits_of(trial: Trial) -> NDArray[np.bool_] | None:
    """One flag an item for a metric that is a share of them; None for another."""
    if not is_share(trial):
        return None
    flags: NDArray[np.bool_] = member("metrics", trial.setup.metric).hits(
        ItemEvidence(trial.predictions, trial.references), trial.setup.options
    )
    return flags


def figure_of(trial: Trial, chosen: NDArray[np.int64] | None = None) -> float:
    """The metric over the items that were evaluated, or over some of them; NaN where it has none."""
    places: Any = range(trial.n) if chosen is None else chosen
    rows = ItemEvidence([trial.predictions[i] for i in places], [trial.references[i] for i in places])
    try:
        return float(member("metrics", trial.setup.metric).compute(rows, trial.setup.options))
    except (MlmsError, TypeError, ValueError, ArithmeticError):
        return float("nan")


def _one_stratum(population: int) -> Strata:
    return Strata(np.zeros(population, np.int64), [population])


def is_share(trial: Trial) -> bool:
    """Whether the metric is a share of items."""
    return hasattr(member("metrics", trial.setup.metric), "hits")


def rounds(most: int, first: int) -> Iterator[int]:
    """Numbers of items, each twice the one before, up to all."""
    n = first
    while n < most:
        yield n
        n *= 2
    yield most


def _is_plain(standings: Sequence[Standing], n: int) -> bool:
    """Whether one kind of mistake is left, and its figure is known well enough to be named."""
    best = standings[0]
    alike = sum(one.share for one in standings if one.trial.kinds == best.trial.kinds)
    low, high = np.quantile(best.draws, [0.025, 0.975])
    return n >= COMPARED and bool(best.trial.kinds) and alike > 0.99 and high - low < 0.004

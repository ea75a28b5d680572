"""How near to the published figure a variant's would be, were every item evaluated.

The items are a fixed random sample of a finite set, and the same ones for every variant. Of the manifest's own
setup all items may be known; a variant's figure is then estimated among those that it got right and those that it
got wrong, which tells two setups apart that differ in few items. With Jeffreys' prior the items that are not yet
seen follow a beta-binomial distribution, which has no error left when all have been.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Draws = NDArray[np.float64]

#: Draws of a posterior.
DRAWS: Final = 3000
#: Resamples of a figure that is no share of items.
RESAMPLES: Final = 60


@dataclass(frozen=True, slots=True)
class Strata:
    """Parts of the set that a variant is estimated in: which each item is in, in the order of evaluation, and how
    many items each has.
    """

    of_item: NDArray[np.int64]
    totals: Sequence[int]


def of_share(hits: NDArray[np.bool_], strata: Strata, draw: np.random.Generator) -> Draws:
    """Draws of the share of hits in the whole set."""
    found = np.zeros(DRAWS)
    part = strata.of_item[: len(hits)]
    for number, total in enumerate(strata.totals):
        own = hits[part == number]
        right, rest = int(own.sum()), max(0, total - len(own))
        chance = draw.beta(right + 0.5, len(own) - right + 0.5, DRAWS)
        found += right + _rest(rest, chance, draw)
    return found / max(1, sum(strata.totals))


def _rest(count: int, chance: Draws, draw: np.random.Generator) -> Draws:
    """Draws of the hits among so many items; by the normal curve where they are many, which is faster."""
    if count < 100:
        return draw.binomial(count, chance).astype(float)
    spread = np.sqrt(count * chance * (1 - chance))
    return np.clip(np.rint(count * chance + spread * draw.standard_normal(DRAWS)), 0, count)


def of_figure(
    figure: Callable[[NDArray[np.int64]], float], n: int, population: int, draw: np.random.Generator
) -> Draws:
    """The same of any figure, by the Bayesian's bootstrap; ``figure`` takes the indexes of a resample."""
    whole = figure(np.arange(n))
    found = np.array([figure(draw.integers(0, n, n)) for _ in range(RESAMPLES)])
    found = np.where(np.isfinite(found), found, whole)
    # What is left to see shrinks to nothing when every item has been.
    left = math.sqrt(max(0.0, 1 - n / population)) if population > n else 0.0
    return whole + (found - whole) * left


@dataclass(frozen=True, slots=True)
class Aim:
    """The published figure in the metric's base unit: ``half`` a unit of its last digit or the claim's tolerance,
    whichever is less; ``width`` how fast nearness counts less beyond it.
    """

    value: float
    half: float
    width: float

    def distance(self, draws: Any) -> Any:
        """How far figures lie beyond what prints as the published one."""
        return np.clip(np.abs(np.asarray(draws) - self.value) - self.half, 0, None)

    def nearness(self, draws: Draws) -> float:
        """From 1 where all draws print as the published figure, down to 0; half for one that only just does not."""
        far = self.distance(draws)
        return float((0.5 * (far <= self.width * 1e-3) + 0.5 * np.exp(-far / self.width)).mean())

    def is_hopeless(self, draws: Draws, chance: float, slack: float) -> bool:
        """Whether the figure lies on one side of the aim and beyond ``slack``, but for this chance."""
        low = float((draws >= self.value - self.half - slack).mean())
        high = float((draws <= self.value + self.half + slack).mean())
        return min(low, high) < chance

    def is_reached(self, draws: Draws, chance: float, slack: float) -> bool:
        """Whether the central interval that leaves out this chance touches what prints as the figure, or misses it
        by less than half of what nearness counts, or than ``slack``.
        """
        low, high = np.quantile(draws, [chance / 2, 1 - chance / 2])
        reach = max(self.half + self.width / 2, slack)
        return bool(low <= self.value + reach and high >= self.value - reach)


def interval(draws: Draws, confidence: float = 0.95) -> tuple[float, float]:
    """The central interval of draws."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)

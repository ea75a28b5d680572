"""Evidence that grows item by item, and may be looked at after each: a share of hits among items in random order.

For each edge of what a claim admits there is a test martingale (an *e-process*): the probability of what was
seen under a mixture of alternatives beyond the edge, divided by its largest probability on the near side of it.
Where the truth lies on the near side, it ever reaches 1/error with a probability of at most ``error``, whenever
and however often one looks (Ville's inequality). That holds for any mixture; this one makes it grow fast.

Of a finite set, items are drawn without replacement, and the probability of a path with ``hits`` of ``n`` is
C(N - n, K - hits) / C(N, K) for K hits in all. Sources: Robbins, Annals of Mathematical Statistics 41 (1970), for
mixtures; Waudby-Smith and Ramdas, NeurIPS 2020, for finite sets.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.result import Interval
from pytest_mlmodelscope.verdict.intervals import first, last

Numbers = NDArray[np.float64]

#: Neighbouring alternatives differ in their distance from the edge by this factor.
_STEP: Final = 1.5
#: How wide each is, as a share of its distance: so that neighbours overlap.
_WIDTH: Final = 0.3
#: The nearest one takes so many times the whole set to be told from the edge, were it drawn with replacement.
_NEAREST: Final = 24.0
#: The farthest one (on the scale of the arcsine), beyond which a few items tell.
_FARTHEST: Final = 0.3
#: What a model that is broken outright weighs.
_BROKEN: Final = 0.02
#: Into how many parts an unlimited share is divided where its interval is looked for.
_FINE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge: ``near`` is the last share on its near side, the alternatives lie above it or below.

    ``population`` is the number of items that the share is of; None where they are drawn from something
    unlimited. ``most`` is how many can be looked at. ``expected`` is a share that is likelier than others.
    """

    near: float
    above: bool
    population: int | None
    most: int
    expected: float | None = None

    def log_e(self, n: Any, hits: Any) -> Numbers:
        """The logarithm of the e-process after ``n`` items of which ``hits`` are hits (numbers or arrays)."""
        n, hits = np.broadcast_arrays(np.asarray(n, float), np.asarray(hits, float))
        if self._holds_everything:
            return np.zeros(n.shape)
        if self._holds_nothing:
            return np.full(n.shape, np.inf)
        null = self._null(n, hits)
        with np.errstate(invalid="ignore"):
            return np.where(np.isneginf(null), np.inf, self._alternatives(n, hits) - null)

    @property
    def _holds_everything(self) -> bool:
        return self.near >= 1 if self.above else self.near <= 0

    @property
    def _holds_nothing(self) -> bool:
        return self.near < 0 if self.above else self.near > 1

    def _alternatives(self, n: Numbers, hits: Numbers) -> Numbers:
        from scipy.special import betaln, logsumexp

        log_weight, a, b = _mixture(self)
        paths = betaln(a + hits[..., None], b + (n - hits)[..., None]) - betaln(a, b)
        return np.asarray(logsumexp(paths + log_weight, axis=-1))

    def _null(self, n: Numbers, hits: Numbers) -> Numbers:
        """The largest log probability of such a path on the near side."""
        from scipy.special import xlog1py, xlogy

        keep = np.minimum if self.above else np.maximum
        if self.population is None:
            share = keep(self.near, hits / np.maximum(n, 1))
            return np.asarray(xlogy(hits, share) + xlog1py(n - hits, -share))
        likeliest = np.floor((self.population + 1) * hits / np.maximum(n, 1))
        total = np.clip(keep(round(self.near * self.population), likeliest), 0, self.population)
        return _log_path(self.population, total, n, hits)


def _log_path(population: int, total: Numbers, n: Numbers, hits: Numbers) -> Numbers:
    """Of ``total`` hits in a population, in random order, the log probability of one path; -inf where it cannot be."""
    return _log_choose(population - n, total - hits) - _log_choose(np.asarray(float(population)), total)


def _log_choose(n: Numbers, k: Numbers) -> Numbers:
    from scipy.special import gammaln

    with np.errstate(invalid="ignore"):
        found = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return np.where((k < 0) | (k > n), -np.inf, found)


@functools.lru_cache(maxsize=1024)
def _mixture(edge: Edge) -> tuple[Numbers, Numbers, Numbers]:
    """Log weights and parameters of beta distributions of the share beyond an edge.

    Distances are measured on the scale of the arcsine, on which all shares vary alike.
    """
    start, side = _angle(edge.near), 1 if edge.above else -1
    end = math.pi - start if edge.above else start
    distance, weight = _distances(end, edge.most if edge.population is None else edge.population)
    own = -1.0 if edge.expected is None else side * (_angle(edge.expected) - start)
    if own >= distance[0]:
        distance, weight = np.append(distance, own), np.append(weight / 2, 0.5)
    share = np.sin((start + side * distance) / 2) ** 2
    certainty = (_WIDTH * distance) ** -2.0
    return np.log(weight), np.maximum(certainty * share, 0.05), np.maximum(certainty * (1 - share), 0.05)


def _distances(end: float, most: int) -> tuple[Numbers, Numbers]:
    """Distances of alternatives from an edge, up to ``end``, and what they weigh."""
    farthest = min(end, _FARTHEST)
    nearest = min(math.sqrt(_NEAREST / most), farthest)
    steps = math.ceil(math.log(farthest / nearest) / math.log(_STEP))
    distance = np.geomspace(nearest, farthest, steps + 1)
    weight = np.full(len(distance), (1 - _BROKEN) / len(distance))
    return np.append(distance, 0.8 * end), np.append(weight, _BROKEN)


def _angle(share: float) -> float:
    return 2 * math.asin(math.sqrt(min(max(share, 0.0), 1.0)))


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a share: whether it lies in [low, high], at which error, of how many items.

    ``population`` is None where the items are a sample of something unlimited; ``available`` can be looked at.
    ``expected`` is the published share. A verdict is wrong with a probability of at most ``error``; ``claims``
    are refuted together at that rate, so that each is at a part of it.
    """

    low: float
    high: float
    population: int | None
    available: int
    expected: float
    error: float = 0.05
    claims: int = 1

    @property
    def refuting(self) -> tuple[Edge, ...]:
        """The edges beyond either of which the claim is false."""
        lowest, highest = self._admitted()
        found = [Edge(lowest, False, self.population, self.available)] if math.isfinite(self.low) else []
        if math.isfinite(self.high):
            found.append(Edge(highest, True, self.population, self.available))
        return tuple(found)

    @property
    def confirming(self) -> tuple[Edge, ...]:
        """The edges beyond both of which it is true."""
        lowest, highest = self._admitted()
        step = 0.0 if self.population is None else 1 / self.population
        found = [self._edge(lowest - step, True)] if math.isfinite(self.low) else []
        if math.isfinite(self.high):
            found.append(self._edge(highest + step, False))
        return tuple(found)

    def _admitted(self) -> tuple[float, float]:
        """The lowest and the highest share that the claim admits and the set can have."""
        if self.population is None:
            return self.low, self.high
        lowest = math.ceil(self.low * self.population) if math.isfinite(self.low) else -math.inf
        highest = math.floor(self.high * self.population) if math.isfinite(self.high) else math.inf
        return lowest / self.population, highest / self.population

    def _edge(self, near: float, above: bool) -> Edge:
        return Edge(near, above, self.population, self.available, self.expected)

    def log_against(self, n: Any, hits: Any) -> Numbers:
        """Evidence that the claim is false: the logarithm of an e-process against all that it admits."""
        return combined([edge.log_e(n, hits) for edge in self.refuting])

    def log_for(self, n: Any, hits: Any) -> Numbers:
        """Evidence that the claim is true: the least of the e-processes against either side."""
        return np.asarray(np.min([edge.log_e(n, hits) for edge in self.confirming], axis=0))

    def settled(self, log_for: Numbers, log_against: Numbers) -> tuple[Any, Any]:
        """Whether evidence confirms, and whether it refutes."""
        return log_for >= -math.log(self.error), log_against >= math.log(self.claims / self.error)

    def cut(self, low: float, high: float, log_for: float, log_against: float) -> tuple[float, float]:
        """The ends of an interval, cut at the edge that the evidence has decided about."""
        confirmed, refuted = self.settled(np.asarray(log_for), np.asarray(log_against))
        if confirmed:
            return max(low, self.low), min(high, self.high)
        if refuted and low < self.low:
            return low, min(high, math.nextafter(self.low, -1.0))
        return (max(low, math.nextafter(self.high, 2.0)), high) if refuted else (low, high)

    def interval(self, n: int, hits: int) -> Interval:
        """What the share may be, however often one looked: each end is wrong with a probability of at most error."""
        whole = self.population or _FINE
        lowest, highest = (hits, whole - (n - hits)) if self.population else (0, whole)
        best = min(max(round(hits / n * whole), lowest), highest)
        limit = -math.log(self.error)

        def is_open(total: int, above: bool) -> bool:
            return bool(self._edge(total / whole, above).log_e(n, hits) < limit)

        low = first(lowest, best, lambda total: is_open(total, True))
        high = last(best, highest, lambda total: is_open(total, False))
        return Interval(low / whole, high / whole, 1 - 2 * self.error, "anytime-valid")


class Alone:
    """The evidence on a question from a run of its own."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._n = self._hits = 0

    def add(self, hits: Any, before: Any = None) -> None:  # noqa: ARG002  # what Paired takes
        """Whether the next items are hits."""
        self._n += len(hits)
        self._hits += int(np.sum(hits))

    @property
    def log_against(self) -> Numbers:
        """As ``Question.log_against``."""
        return self._question.log_against(self._n, self._hits)

    @property
    def log_for(self) -> Numbers:
        """As ``Question.log_for``."""
        return self._question.log_for(self._n, self._hits)


def combined(logs: list[Numbers]) -> Numbers:
    """The mean of e-processes that hold at once, which is one too."""
    return np.asarray(np.logaddexp.reduce(logs, axis=0) - math.log(len(logs)))

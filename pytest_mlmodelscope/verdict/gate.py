"""Slower, faster, or as fast as: two sides whose process runs were interleaved.

A block is one fresh process of each side, loaded in turns; its evidence is one number, the logarithm of how
much longer the second side takes. Two blocks share nothing but the machine. Under the same code on both sides
the sides of a block may be swapped, so that the number is as likely to be above 0 as below: what Student's t
asks for. With blocks of unlike noise (a machine that is busy now and then) the test only errs less often
(Bakirov and Szekely 2005; Ibragimov and Mueller 2010, J. Bus. Econ. Stat. 28, 453).

Blocks are added until they decide. The gate looks after so many of them as ``LOOKS`` says, and each time at
a level at which all looks together keep what is promised:

* *slower* or *faster* without any difference: at most 0.25 % each, 0.5 % together;
* *equivalent* although the difference is as large as the margin: at most 2.5 %.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.verdict.intervals import power

Word = Literal["slower", "faster", "equivalent", "inconclusive"]
WORDS: Final[tuple[Word, ...]] = ("inconclusive", "slower", "faster", "equivalent")

#: After how many blocks the gate looks: often while blocks are few, as most comparisons end there.
LOOKS: Final = (4, 5, 6, 8, 10, 13, 17, 22, 28)
#: What is promised of all looks together, of either side.
FALSE_ALARMS: Final = 0.0025
FALSE_EQUIVALENCE: Final = 0.025
#: The level of a single look at which they are kept: quantiles of the least p-value over the looks, in four
#: million simulated sequences of normal blocks (``benchmarks/constants.py``). Student's t knows no
#: scale, so they hold for every spread.
_ALARM_LEVEL: Final = 0.00037
_EQUIVALENCE_LEVEL: Final = 0.0048
#: Changes within this share are not told from none, unless somebody asks for another.
MARGIN: Final = 0.05
#: More blocks than these are never worth being asked for.
_MOST: Final = 10_000

_Logs = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a comparison found: ``ratio`` is how much longer the second side takes, as a factor.

    ``low`` and ``high`` are its interval at ``confidence``, which holds after every look; ``margin`` the
    share within which two sides are equivalent; ``runs`` the process runs a side that it rests on, and
    ``more`` how many more would decide (None: it is decided, or no sensible number would).
    """

    word: Word
    ratio: float
    low: float
    high: float
    margin: float
    runs: int
    more: int | None = None
    confidence: float = 1 - 2 * FALSE_ALARMS

    @property
    def text(self) -> str:
        """The decision as a sentence without its subject: *slower by 5.1 % (...)*."""
        runs = f"{self.runs} process runs a side"
        span = f"{100 * self.confidence:.3g} % interval {percent(self.low)} to {percent(self.high)}, {runs}"
        told = f"{percent(self.ratio)} ({span})"
        if self.word == "equivalent":
            return f"equivalent within {100 * self.margin:.3g} %: {told}"
        return f"{self.word}: {told}" + (f"; {self.wanted}" if self.word == "inconclusive" else "")

    @property
    def wanted(self) -> str:
        """How much more would decide, in words."""
        if self.more is None:
            return "no sensible number of process runs would decide"
        return f"about {self.more:,} more process runs a side would decide"


def percent(ratio: float) -> str:
    """A factor as the change that it is."""
    return f"{100 * (ratio - 1):+.2g} %" if math.isfinite(ratio) else "no bound"


def decide(logs: Sequence[float], margin: float = MARGIN) -> Decision:
    """What the blocks so far say, by the first look that decides, else by the last one."""
    row = np.asarray(logs, dtype=np.float64)
    words, used = sequence(row[None, :], margin)
    n = int(used[0])
    if n < 2:
        ratio = math.exp(float(row.mean())) if n else math.nan
        return Decision("inconclusive", ratio, 0.0, math.inf, margin, n, LOOKS[0] - n)
    mean, error = float(row[:n].mean()), float(row[:n].std(ddof=1)) / math.sqrt(n)
    half = _quantile(_ALARM_LEVEL, n) * error
    word = WORDS[int(words[0])]
    more = _more(mean, error * math.sqrt(n), n, margin) if word == "inconclusive" else None
    return Decision(word, math.exp(mean), power(mean - half), power(mean + half), margin, n, more)


def sequence(rows: _Logs, margin: float = MARGIN) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Of every row of blocks, the index of its word in ``WORDS`` and how many blocks it took."""
    words = np.zeros(len(rows), dtype=np.int8)
    used = np.full(len(rows), rows.shape[1], dtype=np.int64)
    for n, mean, error in _looks(rows):
        found = _words(n, mean, error, math.log1p(margin))
        new = (words == 0) & (found > 0)
        words[new], used[new] = found[new], n
    return words, used


def _looks(rows: _Logs) -> Iterator[tuple[int, _Logs, _Logs]]:
    """Number of blocks, their mean and its standard error at every look that there are blocks for."""
    # Around the first block: squares of large equal numbers would lose the digits in which they differ.
    first = rows[:, :1]
    sums, squares = np.cumsum(rows - first, axis=1), np.cumsum((rows - first) ** 2, axis=1)
    for n in LOOKS:
        if n <= rows.shape[1]:
            mean = sums[:, n - 1] / n
            spread = np.maximum(squares[:, n - 1] / n - mean**2, 0.0)
            yield n, mean + first[:, 0], np.sqrt(spread / (n - 1))


def _words(n: int, mean: _Logs, error: _Logs, margin: float) -> NDArray[np.int8]:
    narrow, wide = _quantile(_EQUIVALENCE_LEVEL, n) * error, _quantile(_ALARM_LEVEL, n) * error
    # What lies within the margin for sure is no change that anyone asked to be told of, even where it is real.
    within = (mean - narrow > -margin) & (mean + narrow < margin)
    choices = [within, mean - wide > 0, mean + wide < 0]
    return np.select(choices, [3, 1, 2], 0).astype(np.int8)


@functools.cache
def _quantile(level: float, n: int) -> float:
    return float(_student(level, n - 1))


def _student(level: float, freedom: Any) -> Any:
    """What Student's t exceeds with this probability; through ``scipy.stats`` it takes a hundred times as long."""
    from scipy.special import stdtrit

    return -stdtrit(freedom, level)


def _more(mean: float, spread: float, have: int, margin: float) -> int | None:
    """How many more blocks would decide, if they go on as they did."""
    n = np.arange(have + 1, _MOST)
    error = spread / np.sqrt(n)
    told = abs(mean) > _student(_ALARM_LEVEL, n - 1) * error
    told |= abs(mean) + _student(_EQUIVALENCE_LEVEL, n - 1) * error < math.log1p(margin)
    return int(n[told.argmax()]) - have if told.any() else None


def between(now: Sequence[float], then: Sequence[float], margin: float) -> Decision:
    """The same of process runs that were not interleaved, as those of another day: ``now`` against ``then``,
    positive times.

    What the machine did between the two is in neither side's spread, so a change counts only where the whole
    interval lies beyond the margin. Welch's t on logarithms, once, at the levels promised above.
    """
    runs = min(len(now), len(then))
    if runs < 2:
        ratio = float(np.median(now) / np.median(then)) if runs else math.nan
        return Decision("inconclusive", ratio, 0.0, math.inf, margin, runs, 2 - runs)
    mean, error, freedom = _welch(np.log(now), np.log(then))
    wide, narrow = _halves(error, freedom)
    edge = math.log1p(margin)
    word = _unpaired(mean, wide, narrow, edge)
    more = _more_unpaired(mean, error, freedom, runs, edge) if word == "inconclusive" else None
    return Decision(word, math.exp(mean), power(mean - wide), power(mean + wide), margin, runs, more)


def _welch(now: _Logs, then: _Logs) -> tuple[float, float, float]:
    """Difference of the means, its standard error, and the degrees of freedom of Welch and Satterthwaite."""
    parts = [float(side.var(ddof=1)) / len(side) for side in (now, then)]
    error = math.sqrt(sum(parts))
    below = sum(part**2 / (len(side) - 1) for part, side in zip(parts, (now, then), strict=True))
    return float(now.mean() - then.mean()), error, error**4 / below if below else len(now) + len(then) - 2.0


def _halves(error: float, freedom: float) -> tuple[float, float]:
    return float(_student(FALSE_ALARMS, freedom)) * error, float(_student(FALSE_EQUIVALENCE, freedom)) * error


def _unpaired(mean: float, wide: float, narrow: float, edge: float) -> Word:
    if abs(mean) + narrow <= edge:
        return "equivalent"
    if mean - wide > edge:
        return "slower"
    return "faster" if mean + wide < -edge else "inconclusive"


def _more_unpaired(mean: float, error: float, freedom: float, have: int, edge: float) -> int | None:
    """How many more runs a side would decide, if they go on as they did."""
    factor = np.geomspace(1 + 1 / have, _MOST / have, 200)
    errors, freedoms = error / np.sqrt(factor), freedom * factor
    told = abs(mean) + _student(FALSE_EQUIVALENCE, freedoms) * errors <= edge
    told |= abs(mean) - _student(FALSE_ALARMS, freedoms) * errors > edge
    return max(1, math.ceil(have * factor[told.argmax()]) - have) if told.any() else None

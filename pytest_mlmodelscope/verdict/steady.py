"""Where the steady state of a process begins: warm-up that is found rather than guessed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.verdict.dependence import dependence

#: Queries that go into one value: their median, which one disturbed query does not move.
BATCH: Final = 5
#: Fewer values than these show no steady state.
_FEWEST: Final = 12
#: How many standard errors a beginning must differ by, and how rarely its values may lie so much to one side
#: of the others' by chance. The beginning is chosen for differing most, so that both are strict.
_APART: Final = 4.0
_RARELY: Final = 1e-3
_NEARLY: Final = 1.1
#: What begins only after this share of the queries is no steady state but the end of a drift.
_LATEST: Final = 0.4
#: A beginning that differs by less than this share is not worth being cut.
_LEAST: Final = 0.01


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What a process did before its steady state: ``queries`` of them, which took ``ratio`` as long as later ones.

    ``steady`` is False where the process never came to rest in the first half of its queries (a drift, or too
    few of them): then nothing is cut.
    """

    queries: int
    ratio: float
    steady: bool


def warm_up(latencies: NDArray[np.float64]) -> WarmUp:
    """The warm-up at the beginning of the latencies of one process, in the order in which they were taken.

    MSER-5: cut where the standard error of what is left is least (White, Cobb and Spratt 2000, Proc. Winter
    Simulation Conf., 755), on logarithms of medians of five; and only where the cut part differs clearly.
    Of steady processes at most 1 % lose anything (``tests/unit/verdict/test_steady.py``).
    """
    values = _batches(latencies)
    if len(values) < _FEWEST:
        return WarmUp(0, 1.0, steady=False)
    errors = _errors(values)
    # The least is broad, and what was cut without need would be taken for warm-up: the first that is nearly as good.
    cut = int(np.argmax(errors <= _NEARLY * errors.min()))
    if not cut or not _differs(values, cut):
        return WarmUp(0, 1.0, steady=True)
    if cut >= _LATEST * len(values):
        return WarmUp(0, 1.0, steady=False)
    ratio = math.exp(float(np.median(values[:cut]) - np.median(values[cut:])))
    return WarmUp(cut * BATCH, ratio, steady=True)


def _batches(latencies: NDArray[np.float64]) -> NDArray[np.float64]:
    whole = len(latencies) // BATCH * BATCH
    found: NDArray[np.float64] = np.log(np.median(np.asarray(latencies)[:whole].reshape(-1, BATCH), axis=1))
    return found


def _errors(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The squared standard error of the mean of what is left, after each cut in the first half."""
    left = np.arange(len(values), 0, -1)
    sums, squares = np.cumsum(values[::-1])[::-1], np.cumsum(values[::-1] ** 2)[::-1]
    found: NDArray[np.float64] = ((squares - sums**2 / left) / left**2)[: len(values) // 2]
    return found


def _differs(values: NDArray[np.float64], cut: int) -> bool:
    """Whether the cut part lies apart from the rest by more than a beginning does by chance.

    By its mean, as far as neighbours are independent, and by ranks: one long batch alone is no warm-up.
    """
    from scipy.stats import mannwhitneyu

    before, after = values[:cut], values[cut:]
    apart = abs(float(before.mean() - after.mean()))
    error = float(after.std(ddof=1)) * math.sqrt(len(after) / dependence(after).effective / cut)
    return apart > max(_LEAST, _APART * error) and float(mannwhitneyu(before, after).pvalue) < _RARELY

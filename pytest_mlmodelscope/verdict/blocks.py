"""From the turns of two interleaved processes to the one number that a block is: the logarithm of how much longer
the second takes.

Turns are short, so that a machine that is busy for a moment disturbs both sides of a round alike: on two busy
cores the medians of whole process runs spread by 23 %, those of the rounds' ratios by 1 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.core.claim import Claim
from pytest_mlmodelscope.core.result import Interval
from pytest_mlmodelscope.interfaces.metric import TimedEvidence
from pytest_mlmodelscope.verdict.intervals import power
from pytest_mlmodelscope.verdict.measure import timed_figure

#: Queries that a figure needs beyond its percentile before it says anything.
BEYOND: Final = 10
#: Percentiles whose ratio is told besides the claim's own figure.
PERCENTILES: Final = (50.0, 90.0, 99.0)

Turns = Sequence[TimedEvidence]


def merged(turns: Turns) -> TimedEvidence:
    """The turns of one process as if it had been loaded once."""
    return TimedEvidence(
        latencies_s=np.concatenate([turn.latencies_s for turn in turns]),
        wall_s=sum(turn.wall_s for turn in turns),
        samples=sum(turn.samples for turn in turns),
        percentile=turns[0].percentile,
        peak_bytes=max(turn.peak_bytes for turn in turns),
    )


def log_ratio(claim: Claim, one: Turns, other: Turns) -> float:
    """By how much longer ``other`` takes, as a logarithm: the median over rounds of figure by figure.

    Neighbouring rounds count as one where a single one has too few queries for the claim's percentile. Of figures
    of which more is better the ratio is turned round, so that it is above 0 where ``other`` is worse.
    """
    size = _together(one, other)
    starts = range(0, max(len(one) - size, 0) + 1, size)
    logs = [_log(claim, merged(one[at : at + size]), merged(other[at : at + size])) for at in starts]
    return float(np.median(logs))


def _together(one: Turns, other: Turns) -> int:
    """How many rounds make one figure."""
    needed = BEYOND / max(1 - one[0].percentile / 100, 1e-4)
    queries = min(float(np.median([len(turn.latencies_s) for turn in side])) for side in (one, other))
    return min(len(one), max(1, math.ceil(needed / max(queries, 1))))


def _log(claim: Claim, one: TimedEvidence, other: TimedEvidence) -> float:
    log = math.log(timed_figure(claim, other) / timed_figure(claim, one))
    return -log if claim.direction == "higher" else log


def percentile_ratios(blocks: Sequence[tuple[TimedEvidence, TimedEvidence]]) -> dict[str, dict[str, Any]]:
    """The ratio of latencies at each percentile that every process has queries enough for, with its interval."""
    fewest = min(len(side.latencies_s) for block in blocks for side in block)
    told = [at for at in PERCENTILES if fewest * (1 - at / 100) >= BEYOND]
    found = {}
    for at in told:
        pairs = [[float(np.percentile(side.latencies_s, at)) for side in block] for block in blocks]
        logs = [math.log(other / one) for one, other in pairs]
        interval = over_blocks(logs)
        found[f"{at:g}"] = {"ratio": math.exp(float(np.mean(logs))), "low": interval.low, "high": interval.high}
    return found


def over_blocks(logs: Sequence[float], confidence: float = 0.95, draws: int = 4000) -> Interval:
    """Bootstrap interval of the geometric mean of ratios, one logarithm for each block.

    Blocks are drawn and not the queries in them, whose noise is in the spread of the blocks already (Davison and
    Hinkley 1997, Bootstrap Methods, section 3.8). Each draw's mean is divided by its own standard error, as few
    blocks make the interval of the means themselves too narrow (the same, section 5.2).
    """
    n = len(logs)
    row = np.asarray(logs, dtype=np.float64)
    if n < 2:
        return Interval(0.0, math.inf, confidence, "one block")
    drawn = row[np.random.default_rng(20_170_601).integers(0, n, (draws, n))]
    spreads = drawn.std(axis=1, ddof=1)
    # Draws of one block alone have no spread: as far out as can be.
    with np.errstate(divide="ignore", invalid="ignore"):
        studentised = np.nan_to_num(np.abs(drawn.mean(axis=1) - row.mean()) / spreads, nan=0.0, posinf=np.inf)
    half = float(np.quantile(studentised, confidence, method="inverted_cdf")) * float(row.std(ddof=1))
    mean = float(row.mean())
    return Interval(power(mean - half), power(mean + half), confidence, f"bootstrap over {n} blocks")

"""Whether the queries of each process run are enough to show a percentile, before a claim about it is confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_mlmodelscope.core.claim import Claim
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.result import Verdict
from pytest_mlmodelscope.core.units import factor
from pytest_mlmodelscope.interfaces.metric import TimedEvidence
from pytest_mlmodelscope.verdict.early_stopping import CONFIDENCE, estimate, least_queries, most_over, passes


@dataclass(frozen=True, slots=True)
class Shown:
    """The queries of one process run against what a claim admits: how many there were, took longer, and may."""

    queries: int
    over: int
    allowed: int | None
    estimate: float | None
    percentile: float

    @property
    def enough(self) -> bool:
        """Whether MLPerf's rule passes."""
        return passes(self.queries, self.over, self.percentile)

    @property
    def missing(self) -> int:
        """How many more queries would be enough, were all of them within."""
        return max(0, least_queries(self.over, self.percentile) - self.queries)


def shown(claim: Claim, runs: Sequence[TimedEvidence]) -> list[Shown]:
    """What each process run shows of a latency that is claimed to be at most something; empty for other claims.

    The estimates are in the claim's unit.
    """
    metric = member("metrics", claim.metric)
    if not getattr(metric, "OF_PERCENTILE", False) or claim.direction != "lower":
        return []
    scale = factor(metric.BASE_UNIT, claim.unit)
    return [_shown(np.asarray(run.latencies_s) * scale, claim.bounds[1], run.percentile) for run in runs]


def _shown(latencies: Any, most: float, percentile: float) -> Shown:
    over = int(np.count_nonzero(latencies > most))
    count = len(latencies)
    return Shown(count, over, most_over(count, percentile), estimate(latencies, percentile), percentile)


def held_back(verdict: Verdict, runs: Sequence[Shown]) -> Verdict:
    """The verdict, save where it confirms what the queries of some process run are too few to show.

    The interval over process runs takes the percentile of each run as it is; a percentile of few queries is hardly
    one. So a confirmation needs both: the interval, and MLPerf's rule in every run, which accepts a latency that does
    not keep to the bound in at most one run of a hundred.
    """
    weak = [(number, run) for number, run in enumerate(runs, 1) if not run.enough]
    if verdict.word != "confirmed" or not weak:
        return verdict
    number, run = max(weak, key=lambda one: one[1].missing)
    may = "too few for any percentile" if run.allowed is None else f"{run.allowed:,} may"
    return Verdict(
        "inconclusive",
        f"{verdict.reason}, but in process run {number} {run.over:,} of {run.queries:,} queries took longer, and for a "
        f"{run.percentile:g}th percentile {may} (MLPerf's early stopping, {CONFIDENCE:.0%}); "
        f"{run.missing:,} more queries would decide if none of them did",
    )

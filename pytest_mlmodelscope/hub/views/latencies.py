"""How long single queries took: the distribution of each framework on each kind of machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sqlalchemy.orm import Session

from pytest_mlmodelscope.hub.views.asking import current, outcomes
from pytest_mlmodelscope.hub.views.outcomes import Outcome
from pytest_mlmodelscope.store.runs import read
from pytest_mlmodelscope.store.tables import Result

#: Distributions of one model that a page shows, and records that are read for them, each of them whole.
MOST: Final = 48
_RECORDS: Final = 8
#: Bars of a histogram, and the least queries that make one: of fewer, each is a bar of its own.
_BINS: Final = 32
_FEW: Final = 24
_SHARES: Final = (1, 25, 50, 75, 90, 99)


@dataclass(frozen=True, slots=True)
class Distribution:
    """Quantiles of single queries in seconds, of ``n`` queries. ``bins`` are a histogram of those between the 1st and
    the 99th percentile (of few, of all): from and to in seconds, and how many, as a share of the fullest (0 to 1).
    """

    framework: str
    machine_class: str
    claim: str
    n: int
    p1: float
    p25: float
    p50: float
    p75: float
    p90: float
    p99: float
    bins: tuple[tuple[float, float, float], ...]

    @property
    def name(self) -> str:
        """How an axis calls it."""
        return f"{self.framework}, {self.machine_class}"


def of_model(session: Session, model: str) -> tuple[Distribution, ...]:
    """The distributions of a model's current timed results, the quickest first; one claim's, that which most have."""
    question = current(Result).where(Result.model == model, Result.p50_s.is_not(None)).order_by(Result.at.desc())
    return distributions(_with_latencies(session, _of_one_claim(outcomes(session, question.limit(10 * MOST)))))


def _of_one_claim(found: Sequence[Outcome]) -> list[Outcome]:
    """Frameworks can only be compared under the conditions of one claim."""
    counts: dict[str, int] = {}
    for one in found:
        counts[one.claim] = counts.get(one.claim, 0) + 1
    chosen = max(counts, key=lambda claim: counts[claim], default="")
    return [one for one in found if one.claim == chosen][:MOST]


def _with_latencies(session: Session, found: Iterable[Outcome]) -> Iterable[tuple[Outcome, Sequence[float]]]:
    records: dict[str, Mapping[str, Any]] = {}
    for one in found:
        if one.record not in records and len(records) < _RECORDS:
            kept = read(session, one.record) or {"mlms": {"cases": []}}
            records[one.record] = {case["id"]: case.get("latencies_s") for case in kept["mlms"]["cases"]}
        times = records.get(one.record, {}).get(one.case)
        if times:
            yield one, times


def distributions(found: Iterable[tuple[Outcome, Sequence[float]]]) -> tuple[Distribution, ...]:
    """Quantiles of the latencies in seconds of each, the quickest first."""
    told = [_distribution(one, np.asarray(times, dtype=float)) for one, times in found]
    return tuple(sorted(told, key=lambda one: one.p50))


def _distribution(one: Outcome, times: Any) -> Distribution:
    p1, p25, p50, p75, p90, p99 = map(float, np.percentile(times, _SHARES))
    named = one.framework, one.machine_class, one.claim, len(times)
    return Distribution(*named, p1, p25, p50, p75, p90, p99, _bins(times))


def _bins(times: Any) -> tuple[tuple[float, float, float], ...]:
    """A histogram on a logarithmic scale, since the slow ones lie far out; where all are alike, one bar."""
    # Of a few, the first and the last are no outliers, but the half of what there is.
    low, high = np.percentile(times, (1, 99) if len(times) >= _FEW else (0, 100))
    if not 0 < low < high:
        return ()
    count = _BINS if len(times) >= _FEW else 4 * len(times)
    edges = np.geomspace(low, high, count + 1)
    counts = np.histogram(times, edges)[0]
    shares = counts / max(counts.max(), 1)
    return tuple(zip(edges[:-1].tolist(), edges[1:].tolist(), shares.tolist(), strict=True))

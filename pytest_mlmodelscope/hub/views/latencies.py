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

#: Distributions of one model that a page shows; each takes a whole record to be read.
MOST: Final = 12
_SHARES: Final = (1, 25, 50, 75, 90, 99)


@dataclass(frozen=True, slots=True)
class Distribution:
    """Quantiles of single queries in seconds, of ``n`` queries."""

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
        if one.record not in records:
            records[one.record] = read(session, one.record) or {"mlms": {"cases": []}}
        for case in records[one.record]["mlms"]["cases"]:
            if case["id"] == one.case and case.get("latencies_s"):
                yield one, case["latencies_s"]
                break


def distributions(found: Iterable[tuple[Outcome, Sequence[float]]]) -> tuple[Distribution, ...]:
    """Quantiles of the latencies in seconds of each, the quickest first."""
    told = [
        Distribution(
            one.framework, one.machine_class, one.claim, len(times), *map(float, np.percentile(times, _SHARES))
        )
        for one, times in found
    ]
    return tuple(sorted(told, key=lambda one: one.p50))

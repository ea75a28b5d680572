"""Many claims at once: of 500 true ones, 25 would be refuted by chance if each were judged at 5 %.

The chance that *any* refutation of a session is false is held at its error. A case is refuted as soon as it is
judged, at that error divided by the number of claims whose evidence is left to chance, which is known before the
first: the first step of Holm's method, and valid whatever comes later. At the end Holm's method gives every p as it
is among the others. Source: Holm, Scandinavian Journal of Statistics 6 (1979).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_mlmodelscope.core.claim import Claim
from pytest_mlmodelscope.core.result import Measurement, Verdict
from pytest_mlmodelscope.verdict.judge import more_to_come


def corrected(verdict: Verdict, claim: Claim, measurement: Measurement, error: float, claims: int) -> Verdict:
    """The verdict of a claim that is judged together with others: a refutation that chance may have brought is none."""
    level = error / claims
    if verdict.word != "refuted" or measurement.p is None or measurement.p <= level:
        return verdict
    others = f"of {claims:,} claims judged together one may look so by chance" if claims > 1 else "that may be chance"
    reason = (
        f"{verdict.reason}, but {others} (p = {measurement.p:.2g}, {level:.2g} would refute it)"
        f"{more_to_come(claim, measurement)}"
    )
    return Verdict("inconclusive", reason)


def holm(ps: Sequence[float]) -> list[float]:
    """Each p adjusted for the others: at most the error where Holm's method refutes at that error."""
    order = sorted(range(len(ps)), key=ps.__getitem__)
    adjusted, largest = [0.0] * len(ps), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = largest
    return adjusted


@dataclass(frozen=True, slots=True)
class Together:
    """Of a session: ``claims`` whose evidence is left to chance, the ``error`` of all refutations among them
    together, how many are ``refuted``, and how many more would be ``uncorrected``.
    """

    claims: int
    error: float
    refuted: int
    uncorrected: int

    def __str__(self) -> str:
        more = f", {self.uncorrected:,} more would be without that correction" if self.uncorrected else ""
        return (
            f"{self.claims:,} of these figures rest on samples or timings; the chance that any refutation among them "
            f"is false is at most {self.error:.2g} (Holm): {self.refuted:,} refuted{more}"
        )


def together(cases: Sequence[Mapping[str, Any]], error: float) -> Together | None:
    """What is to be said of the cases of a record as a whole; None where fewer than two are left to chance."""
    left = [case for case in cases if case.get("p") is not None]
    if len(left) < 2:
        return None
    refuted = sum(case["verdict"] == "refuted" for case in left)
    return Together(len(left), error, refuted, sum(case["p"] <= error for case in left) - refuted)

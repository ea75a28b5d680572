"""One result as pages show it, be it from the database or from a record at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pytest_mlmodelscope.core.claim import COUNTEREXAMPLES
from pytest_mlmodelscope.core.result import WORDS
from pytest_mlmodelscope.record.compare import Value
from pytest_mlmodelscope.reports import _text
from pytest_mlmodelscope.store.tables import Result

#: Where a figure would stand, had there been one.
NOTHING_TOLD: Final = "\N{EN DASH}"
#: Of several verdicts, the one that a reader should see first.
_GRAVEST: Final = ("refuted", "error", "inconclusive", "confirmed", "not_applicable")


@dataclass(frozen=True, slots=True)
class Total:
    """How many results have a verdict."""

    word: str
    count: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case on a kind of machine. Figures are in ``unit``, latencies of single queries in seconds;
    ``record`` is the digest of the record that it stands in, empty for one that is at hand.
    """

    case: str
    claim: str
    model: str
    dataset: str | None
    framework: str
    version: str | None
    target: str
    machine_class: str
    metric: str
    unit: str
    published: float | None
    measured: float | None
    low: float | None
    high: float | None
    n: int
    verdict: str
    reason: str
    p50_s: float | None
    p90_s: float | None
    p99_s: float | None
    at: datetime
    record: str

    @property
    def release(self) -> str:
        """The framework's version without the name of its build."""
        return (self.version or "").partition("-")[0]

    @property
    def published_text(self) -> str:
        """What was published, in its own digits."""
        if self.unit == COUNTEREXAMPLES:
            return "no counterexample"
        if self.published is None:
            return NOTHING_TOLD
        return _text.with_unit(_text.number(self.published, None), self.unit)

    @property
    def measured_text(self) -> str:
        """What was measured, with as many digits as the interval bears, and one more where what was published has it;
        and that interval.
        """
        if self.measured is None:
            return NOTHING_TOLD
        if self.unit == COUNTEREXAMPLES:
            return "1 counterexample" if self.measured else f"none in {self.n:,}"
        exact = self.low == self.high
        value = Value(
            self.measured, None if exact else self.low, None if exact else self.high, self.n, census=False, kind=None
        )
        bears = _text.decimals(value, self.unit)
        least = 0 if bears is None or self.published is None else min(bears + 1, _decimals(self.published))
        return _text.figure(value, self.unit, least)


def _decimals(published: float) -> int:
    return len(_text.number(published, None).partition(".")[2])


def from_result(result: Result) -> Outcome:
    """A row of the database."""
    same = {name: getattr(result, name) for name in Outcome.__slots__ if name not in ("unit", "record")}
    return Outcome(**same, unit=result.unit or "1", record=result.record_digest)


def totals_of(counts: Mapping[str, int]) -> tuple[Total, ...]:
    """The five words in their order, with how often each was found."""
    return tuple(Total(word, counts.get(word, 0)) for word in WORDS)


def tally(words: Iterable[str]) -> tuple[Total, ...]:
    """The verdicts that are there, the gravest first, with how often each is."""
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return ordered(counts)


def ordered(counts: Mapping[str, int]) -> tuple[Total, ...]:
    """The verdicts that are there, the gravest first."""
    known = [Total(word, counts[word]) for word in _GRAVEST if counts.get(word)]
    return (*known, *(Total(word, counts[word]) for word in sorted(set(counts) - set(_GRAVEST))))


def from_case(case: Mapping[str, Any], machine: Mapping[str, Any], at: datetime, record: str = "") -> Outcome:
    """A case of a record whose session ran on ``machine``."""
    from pytest_mlmodelscope.store.runs import percentiles

    interval = case.get("interval") or {}
    same: dict[str, Any] = {name: case.get(name) for name in ("dataset", "published", "measured")}
    named: dict[str, Any] = {
        name: str(case[name]) for name in ("claim", "model", "framework", "target", "metric", "verdict")
    }
    times: dict[str, Any] = percentiles(case.get("latencies_s"))
    return Outcome(
        case=case["id"],
        version=(case.get("software") or {}).get("version"),
        machine_class=str((case.get("machine") or machine).get("machine_class") or ""),
        unit=case.get("unit") or "1",
        low=interval.get("low"),
        high=interval.get("high"),
        n=case.get("n") or 0,
        reason=case.get("reason") or "",
        at=at,
        record=record,
        **same,
        **named,
        **times,
    )

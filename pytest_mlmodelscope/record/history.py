"""Many records of the same cases: since when a figure is another, whether it drifts, whether a verdict is flaky."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Any, Final

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.record.causes import Explanation, explanations, pair
from pytest_mlmodelscope.record.compare import Fact, compare, gain
from pytest_mlmodelscope.record.diff import around, findings_of, of_kinds
from pytest_mlmodelscope.record.flips import flip
from pytest_mlmodelscope.record.series import MACHINE, Point, Series, series
from pytest_mlmodelscope.verdict.baseline import LEAST_COUNTED_NOISE
from pytest_mlmodelscope.verdict.changes import ALARM, MOST, Drift, change_points, drift, is_a_line

#: What a gate can fail on.
FAILURES: Final = ("change", "drift", "flaky", "vanished", "machine")
USUAL: Final = FAILURES[:4]
#: A case whose verdict, or whose answers, came back so often to what they were before is flaky.
_BACK: Final = 1

_Record = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """A new level: the first record of it, the medians before and after, whether that is worse, and what may explain
    it. ``certain`` says that nothing varies here, so that no test was needed.
    """

    record: str
    when: str
    before: float
    after: float
    worse: bool
    certain: bool
    explanations: tuple[Explanation, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseHistory:
    """One case: its comparable points and what they show. ``flaky`` are sentences, ``worse_drift`` is that a drift goes
    the wrong way.
    """

    id: str
    series: Series
    unit: str
    changes: tuple[Change, ...] = ()
    drift: Drift | None = None
    worse_drift: bool = False
    flaky: tuple[str, ...] = ()
    vanished: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """All cases of some records. ``alarm`` is the probability that one shows a change or a drift where nothing changed,
    ``tested`` how many figures that vary were looked at, ``machine`` in what the latest machine is not the one before,
    ``findings`` what the latest record shows that no single case does, as two models that are one.
    """

    records: tuple[str, ...]
    cases: tuple[CaseHistory, ...]
    alarm: float
    tested: int
    machine: tuple[Fact, ...] = ()
    findings: tuple[str, ...] = ()

    def worse(self, fail_on: Iterable[str] = USUAL) -> tuple[str, ...]:
        """A sentence for each thing that is worse, of the kinds asked for; empty lets a gate pass.

        Raises:
            UsageError: there is no such kind.
        """
        told: dict[str, list[str]] = {
            "change": [f"{case.id}: worse since {case.changes[-1].record}" for case in self.cases if _is_worse(case)],
            "drift": [f"{case.id}: drifts the wrong way" for case in self.cases if case.worse_drift],
            "flaky": [f"{case.id}: {sentence}" for case in self.cases for sentence in case.flaky],
            "vanished": [f"{case.id}: {case.vanished}" for case in self.cases if case.vanished],
            "machine": [f"another machine: {fact.place} {fact.a} -> {fact.b}" for fact in self.machine],
        }
        return of_kinds(told, fail_on)


def _is_worse(case: CaseHistory) -> bool:
    return bool(case.changes) and case.changes[-1].worse


def history(records: Sequence[_Record], alarm: float = ALARM) -> History:
    """What the records show together; they are put in order of time.

    Raises:
        UsageError: there are none.
    """
    if not records:
        raise UsageError("no records to look at", hint="write them with `pytest --mlms --mlms-history FOLDER`")
    ordered = sorted(records, key=lambda one: (one[1]["datetime"], one[0]))
    found = series(ordered)
    tested = sum(map(_varies, found))
    by_name = dict(ordered)
    # Half of the alarms each for changes and drifts, shared among the figures that vary (Bonferroni).
    part = alarm / (2 * max(1, tested))
    cases = tuple(_case(one, by_name, part, ordered[-1][0]) for one in found)
    names, shown = tuple(name for name, _ in ordered), tuple(findings_of(ordered[-1][1]))
    return History(names, cases, alarm, tested, _other_machine(ordered), shown)


def _other_machine(ordered: Sequence[_Record]) -> tuple[Fact, ...]:
    if len(ordered) < 2:
        return ()
    before, now = (record["mlms"]["machine"] for _, record in ordered[-2:])
    return tuple(Fact(name, before.get(name), now.get(name)) for name in MACHINE if before.get(name) != now.get(name))


def _varies(one: Series) -> bool:
    return any(point.case["kind"] == "timed" for point in one.points)


def _case(one: Series, records: Mapping[str, Mapping[str, Any]], alarm: float, last: str) -> CaseHistory:
    measured = [point for point in one.points if point.value is not None][-MOST:]
    gone = "" if not one.points or one.points[-1].record == last else f"vanished after {one.points[-1].record}"
    unit = one.points[-1].case["unit"] if one.points else ""
    flaky = tuple(_flaky(one.points))
    values = [point.value for point in measured if point.value is not None]
    if not values:
        return CaseHistory(one.id, one, unit, flaky=flaky, vanished=gone)
    if not _varies(one):
        # What goes to and fro is flaky, and has no level to change.
        edges = [] if flaky else _edges(measured)
        return CaseHistory(one.id, one, unit, _changes(measured, edges, records, True), None, False, flaky, gone)
    edges = change_points(values, alarm)
    trend = drift(values[edges[-1] :] if edges else values, alarm)
    if edges and is_a_line(values, edges):
        edges, trend = [], drift(values, alarm)
    changes = _changes(measured, edges, records, False)
    worse = trend is not None and gain(measured[-1].case, 0.0, trend.slope) < 0
    return CaseHistory(one.id, one, unit, changes, trend, worse, flaky, gone)


def _edges(points: Sequence[Point]) -> list[int]:
    """Where an exact figure, or what was answered, became another."""
    return [number for number, (old, now) in enumerate(pairwise(points), 1) if not _alike(old, now)]


def _alike(old: Point, now: Point) -> bool:
    a, b = old.value or 0.0, now.value or 0.0
    if now.case["kind"] == "counted":
        return abs(b - a) <= LEAST_COUNTED_NOISE * abs(a)
    digests = [point.case["predictions"].get("sha256") for point in (old, now)]
    return a == b and (None in digests or digests[0] == digests[1])


def _changes(
    points: Sequence[Point], edges: Sequence[int], records: Mapping[str, Mapping[str, Any]], certain: bool
) -> tuple[Change, ...]:
    values = [point.value or 0.0 for point in points]
    ends = [0, *edges, len(points)]
    found = []
    for start, edge, end in zip(ends, ends[1:], ends[2:], strict=False):
        before, after = median(values[start:edge]), median(values[edge:end])
        at = points[edge]
        why = _explained(points[edge - 1], at, records, certain)
        worse = gain(at.case, before, after) < 0
        found.append(Change(at.record, at.when, before, after, worse, certain, why))
    return tuple(found)


def _explained(
    old: Point, now: Point, records: Mapping[str, Mapping[str, Any]], certain: bool
) -> tuple[Explanation, ...]:
    """What differs between the last record before a change and the first after it."""
    figure = compare(old.case, now.case)
    found = pair(old.case, now.case, around(records[old.record], records[now.record]), figure, flip(old.case, now.case))
    if not certain:
        # That the level changed is known from all of the records, not from these two.
        found = replace(found, effects=found.effects | {"time"})
    return explanations([found])


def _flaky(points: Sequence[Point]) -> Iterator[str]:
    """What went to and fro although the software stayed the same."""
    for software in _same_software(points):
        words = [point.case["verdict"] for point in software]
        if _returns(words) >= _BACK:
            changed = sum(a != b for a, b in pairwise(words))
            yield f"the verdict changed {changed} times in {len(words)} records of the same software"
        digests = [digest for point in software if (digest := point.case["predictions"].get("sha256"))]
        if _returns(digests) >= _BACK:
            yield f"{len(set(digests))} different sets of answers in {len(digests)} records of the same software"


def _same_software(points: Sequence[Point]) -> Iterable[list[Point]]:
    """Stretches of the framework's version and libraries; what never ran says nothing of them."""
    groups: dict[str, list[Point]] = {}
    for point in points:
        software = point.case["software"]
        if software:
            key = repr([software.get(name) for name in ("version", "build", "libraries")])
            groups.setdefault(key, []).append(point)
    return groups.values()


def _returns(values: Sequence[str]) -> int:
    """How often one comes back that was there before, and had become another."""
    seen: set[str] = set()
    found = 0
    for a, b in pairwise(values):
        seen.add(a)
        found += b != a and b in seen
    return found

"""Machines: which kinds there are, and the results of two of them side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pytest_mlmodelscope.hub.views.asking import current, outcomes
from pytest_mlmodelscope.hub.views.outcomes import Outcome, Total, ordered
from pytest_mlmodelscope.record.compare import Fact, facts
from pytest_mlmodelscope.store.tables import Record, Result

#: Cases of two machines that a page shows.
MOST: Final = 500
#: Facts that tell nothing about a kind of machine.
_PASSING: Final = ("load_average", "facts", "gpus")


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of machine: how its claims stand, when it last measured, what its newest record says of it."""

    machine_class: str
    totals: tuple[Total, ...]
    newest: datetime
    name: str
    arch: str
    memory: int | None
    cores: int | None
    os: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One case on both machines. ``ratio`` is b over a, ``low`` and ``high`` its bounds from the two intervals (None:
    they have none); ``apart`` says that the intervals have nothing in common.
    """

    a: Outcome
    b: Outcome
    ratio: float | None
    low: float | None
    high: float | None
    apart: bool | None

    @property
    def kind(self) -> Literal["verdict", "figure", "same"]:
        """What differs, if anything."""
        if self.a.verdict != self.b.verdict:
            return "verdict"
        return "figure" if self.apart else "same"


@dataclass(frozen=True, slots=True)
class Metric:
    """What pairs of one metric say together: the geometric mean of their ratios, the least and the largest, and how
    many of the ``count`` lie further apart than their intervals.
    """

    name: str
    count: int
    mean: float
    least: float
    most: float
    apart: int


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The current results of two kinds of machines: ``pairs`` are of both, those that differ first, and of them those
    first that are furthest apart; ``metrics`` are those whose figures can be divided, the furthest apart first.
    """

    a: str
    b: str
    facts: tuple[Fact, ...]
    metrics: tuple[Metric, ...]
    pairs: tuple[Pair, ...]
    only_a: tuple[Outcome, ...]
    only_b: tuple[Outcome, ...]
    left_out: int


def machines(session: Session) -> tuple[Machine, ...]:
    """All kinds of machines that have current results, by name."""
    question = current(Result.machine_class, Result.verdict, func.count(), func.max(Result.at))
    found: dict[str, dict[str, int]] = {}
    newest: dict[str, datetime] = {}
    for name, verdict, count, at in session.execute(question.group_by(Result.machine_class, Result.verdict)):
        found.setdefault(name, {})[verdict] = count
        newest[name] = max(at, newest.get(name, at))
    return tuple(_machine(session, name, counts, newest[name]) for name, counts in sorted(found.items()))


def _machine(session: Session, name: str, counts: dict[str, int], newest: datetime) -> Machine:
    told = facts_of(session, name)
    return Machine(
        machine_class=name,
        totals=ordered(counts),
        newest=newest,
        name=str(told.get("name") or ""),
        arch=str(told.get("arch") or ""),
        memory=told.get("memory") if isinstance(told.get("memory"), int) else None,
        cores=told.get("cores") if isinstance(told.get("cores"), int) else None,
        os=str(told.get("os") or ""),
    )


def facts_of(session: Session, name: str) -> dict[str, Any]:
    """What the newest record that was written on such a machine says of it; nothing where none was."""
    question = select(Record.machine).where(Record.machine_class == name).order_by(Record.at.desc()).limit(1)
    return session.scalar(question) or {}


def names(session: Session) -> Sequence[str]:
    """All kinds of machines that have current results."""
    return session.scalars(current(Result.machine_class).distinct().order_by(Result.machine_class)).all()


def side_by_side(session: Session, a: str, b: str) -> SideBySide:
    """What two kinds of machines measured last of the same cases."""
    ours, theirs = (
        {
            one.case: one
            for one in outcomes(session, current(Result).where(Result.machine_class == name).limit(10 * MOST))
        }
        for name in (a, b)
    )
    pairs = sorted((pair(ours[case], theirs[case]) for case in ours.keys() & theirs.keys()), key=_order)
    return SideBySide(
        a=a,
        b=b,
        facts=tuple(facts(_lasting(facts_of(session, a)), _lasting(facts_of(session, b)))),
        metrics=_metrics(pairs),
        pairs=tuple(pairs[:MOST]),
        only_a=tuple(ours[case] for case in sorted(ours.keys() - theirs.keys()))[:MOST],
        only_b=tuple(theirs[case] for case in sorted(theirs.keys() - ours.keys()))[:MOST],
        left_out=len(pairs[MOST:]),
    )


def _order(pair: Pair) -> tuple[int, float, str]:
    return ("verdict", "figure", "same").index(pair.kind), -_far(pair.ratio or 1.0), pair.a.case


def _far(ratio: float) -> float:
    return abs(math.log(ratio))


def _metrics(pairs: Iterable[Pair]) -> tuple[Metric, ...]:
    """Of metrics that are no more than the model's own facts, and so the same everywhere, nothing is told."""
    found: dict[str, list[Pair]] = {}
    for one in pairs:
        if one.ratio is not None:
            found.setdefault(one.a.metric, []).append(one)
    told = (_metric(name, of) for name, of in found.items() if any(one.ratio != 1 for one in of))
    return tuple(sorted(told, key=lambda one: -_far(one.mean)))


def _metric(name: str, pairs: Sequence[Pair]) -> Metric:
    ratios = [one.ratio for one in pairs if one.ratio is not None]
    mean = math.exp(math.fsum(map(math.log, ratios)) / len(ratios))
    return Metric(name, len(ratios), mean, min(ratios), max(ratios), sum(one.apart is True for one in pairs))


def pair(a: Outcome, b: Outcome) -> Pair:
    """Two results of one case, and what their intervals say of the ratio."""
    if a.measured is None or b.measured is None or a.unit != b.unit:
        return Pair(a, b, None, None, None, None)
    low, high = _bounds(a, b)
    return Pair(a, b, b.measured / a.measured if a.measured > 0 and b.measured > 0 else None, low, high, _apart(a, b))


def _bounds(a: Outcome, b: Outcome) -> tuple[float | None, float | None]:
    """The least and the largest ratio of values in the intervals, which is wider than an interval of the ratio."""
    ends = (a.low, a.high, b.low, b.high)
    if any(end is None or end <= 0 for end in ends):
        return None, None
    a_low, a_high, b_low, b_high = (end or 1.0 for end in ends)
    return b_low / a_high, b_high / a_low


def _apart(a: Outcome, b: Outcome) -> bool | None:
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return None
    return a.high < b.low or b.high < a.low


def _lasting(told: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key not in _PASSING}

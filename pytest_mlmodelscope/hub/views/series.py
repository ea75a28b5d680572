"""Figures over time: one line for each framework on each kind of machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pytest_mlmodelscope.hub.views.outcomes import Outcome, from_result
from pytest_mlmodelscope.store.tables import Result

#: Results of one claim that a chart goes back to, and lines that it tells apart.
POINTS: Final = 400
LINES: Final = 24


@dataclass(frozen=True, slots=True)
class Series:
    """The results of one claim on one framework and kind of machine, the oldest first."""

    framework: str
    machine_class: str
    points: tuple[Outcome, ...]

    @property
    def name(self) -> str:
        """How a legend calls it."""
        return f"{self.framework} on {self.machine_class}" if self.machine_class else self.framework


@dataclass(frozen=True, slots=True)
class History:
    """The lines of one claim, those with most points first; ``left_out`` counts lines that are too many for a chart."""

    claim: str
    metric: str
    unit: str
    published: float | None
    series: tuple[Series, ...]
    left_out: int = 0

    @property
    def lasts(self) -> bool:
        """Whether any line goes from one day or hour to another, so that there is a line to draw."""
        return any(len(line.points) > 1 for line in self.series)

    @property
    def moves(self) -> bool:
        """Whether any line has two figures that are not the same."""
        return any(len({point.measured for point in line.points}) > 1 for line in self.series)


def of_claim(session: Session, claim: str) -> History | None:
    """The newest results of a claim that have a figure; None where there are none."""
    question = (
        select(Result)
        .where(Result.claim == claim, Result.measured.is_not(None))
        .order_by(Result.at.desc(), Result.id.desc())
        .limit(POINTS)
    )
    return history([from_result(result) for result in session.scalars(question)])


def history(outcomes: Iterable[Outcome]) -> History | None:
    """What results of one claim show together, in the unit of the newest; None where none has a figure."""
    newest_first = sorted((one for one in outcomes if one.measured is not None), key=lambda one: one.at, reverse=True)
    if not newest_first:
        return None
    last = newest_first[0]
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for one in reversed(newest_first):
        if one.unit == last.unit:
            groups.setdefault((one.framework, one.machine_class), []).append(one)
    lines = sorted((Series(*key, tuple(points)) for key, points in groups.items()), key=lambda one: -len(one.points))
    return History(last.claim, last.metric, last.unit, last.published, tuple(lines[:LINES]), len(lines[LINES:]))

"""The figures of one case in many records, as far as they can be compared with the latest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pytest_mlmodelscope.record.compare import KEYS, Fact, facts
from pytest_mlmodelscope.verdict.disturbance import marked

#: What tells machines apart; a record of an earlier version has it for the session only.
MACHINE: Final = ("machine_class", "device", "arch", "name")

_Case = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Point:
    """A case in one record: ``record`` is its name, ``when`` the time it was written at."""

    record: str
    when: str
    case: _Case

    @property
    def value(self) -> float | None:
        """The figure, where there is one."""
        found: float | None = self.case["measured"]
        return found


@dataclass(frozen=True, slots=True)
class Series:
    """All points of a case whose key is the latest one's, in order of time.

    ``disturbed`` counts those that were left out because the machine was disturbed while they were timed, ``others``
    those whose key is another; ``differing`` says in what the last of them differs.
    """

    id: str
    points: tuple[Point, ...]
    disturbed: int = 0
    others: int = 0
    differing: tuple[Fact, ...] = ()


def key_of(case: _Case) -> dict[str, Any]:
    """What two points must share: model, data, conditions; of a timed figure the machine; of a sample its size."""
    key = {name: case[name] for name in KEYS}
    if case["kind"] == "items":
        key["n"] = case["n"]
    if case["kind"] in ("timed", "counted"):
        key["machine"] = {name: (case["machine"] or {}).get(name) for name in MACHINE}
    return key


def is_disturbed(case: _Case) -> bool:
    """Whether something else than the model had a part in at least half of the runs of a timed figure."""
    watched = case.get("watched") or {}
    return bool(watched.get("throttled")) or 2 * len(marked(watched)) > len(case["runs"])


def series(records: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Series]:
    """One for each case of any record, by id; ``records`` are names and records in order of time."""
    found: dict[str, list[Point]] = {}
    for name, record in records:
        for case in _once(record["mlms"]["cases"]):
            found.setdefault(case["id"], []).append(Point(name, record["datetime"], _on_machine(case, record)))
    return [_comparable(points) for _, points in sorted(found.items())]


def _once(cases: Iterable[_Case]) -> Iterable[_Case]:
    """A session can hold a case twice: the first counts."""
    return {case["id"]: case for case in reversed(list(cases))}.values()


def _on_machine(case: _Case, record: Mapping[str, Any]) -> _Case:
    return case if case["machine"] else {**case, "machine": record["mlms"]["machine"]}


def _comparable(points: list[Point]) -> Series:
    measured = [point for point in points if point.value is not None]
    if not measured:
        return Series(points[-1].case["id"], tuple(points))
    key = key_of(measured[-1].case)
    strangers = [point for point in measured if key_of(point.case) != key]
    # What broke, or was not applicable, belongs to the history of the verdict.
    ours = [point for point in points if point not in strangers]
    quiet = [point for point in ours if not is_disturbed(point.case)]
    differing = tuple(facts(key_of(strangers[-1].case), key)) if strangers else ()
    return Series(points[-1].case["id"], tuple(quiet), len(ours) - len(quiet), len(strangers), differing)

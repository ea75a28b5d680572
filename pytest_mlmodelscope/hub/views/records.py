"""Records: one run whole, and two of them side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from pytest_mlmodelscope.hub.views.outcomes import Outcome, Total, from_case, tally
from pytest_mlmodelscope.record.diff import Difference, diff, findings_of
from pytest_mlmodelscope.reports._text import shown
from pytest_mlmodelscope.store.runs import read
from pytest_mlmodelscope.store.tables import Key, Record

#: Facts on a machine that are too long to be read, or say nothing about it.
_LEFT_OUT: Final = ("facts", "gpus", "load_average")
#: What a record says of files: on a hub the digest only, since a name in it is a path of a stranger's choice.
_FILES: Final = ("predictions", "outputs")


@dataclass(frozen=True, slots=True)
class RecordPage:
    """``owner`` signed it (None: a run of this machine, without a signature)."""

    digest: str
    at: datetime
    received: datetime
    machine_class: str
    machine: tuple[tuple[str, str], ...]
    software: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    outcomes: tuple[Outcome, ...]
    totals: tuple[Total, ...]
    findings: tuple[str, ...]
    key: str | None
    owner: str | None


def record(session: Session, digest: str) -> RecordPage | None:
    """One record by its whole digest; None where there is none."""
    kept, data = session.get(Record, digest), read(session, digest)
    if kept is None or data is None:
        return None
    ours = data["mlms"]
    outcomes = tuple(from_case(case, ours["machine"], kept.at, digest) for case in ours["cases"])
    key = None if kept.key is None else session.get(Key, kept.key)
    return RecordPage(
        digest=digest,
        at=kept.at,
        received=kept.received,
        machine_class=kept.machine_class,
        machine=told(kept.machine),
        software=told(ours["software"]),
        settings=told(ours["settings"]),
        outcomes=outcomes,
        totals=tally(one.verdict for one in outcomes),
        findings=tuple(findings_of(data)),
        key=kept.key,
        owner=None if key is None else key.owner,
    )


def difference(session: Session, a: str, b: str) -> Difference | None:
    """What differs between two records, by their whole digests; None where one is not there."""
    ours, theirs = (read(session, digest) for digest in (a, b))
    if ours is None or theirs is None:
        return None
    return diff(without_files(ours), without_files(theirs), (a[:12], b[:12]))


def without_files(data: Mapping[str, Any]) -> dict[str, Any]:
    """A record whose cases name no files, so that nothing is opened because a record says so."""
    cases = [
        {**case, **{what: {"sha256": (case.get(what) or {}).get("sha256")} for what in _FILES}}
        for case in data["mlms"]["cases"]
    ]
    return {**data, "mlms": {**data["mlms"], "cases": cases}}


def told(facts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What a record says of a machine, its software or its settings, in words, save what is too long to be read."""
    return tuple((key, shown(value)) for key, value in facts.items() if key not in _LEFT_OUT and value is not None)

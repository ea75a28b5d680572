"""Records in the database: put in whole and once, read back."""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import rfc8785
from sqlalchemy import select
from sqlalchemy.orm import Session

from pytest_mlmodelscope.store.tables import Current, Record, Result


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a record: its digest, and whether it was not there before."""

    digest: str
    new: bool


def canonical(record: Mapping[str, Any]) -> bytes:
    """A record as the one sequence of bytes that stands for it (RFC 8785)."""
    found: bytes = rfc8785.dumps(dict(record))
    return found


def digest_of(record: Mapping[str, Any]) -> str:
    """The SHA-256 of a record's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(record)).hexdigest()


def add(session: Session, record: Mapping[str, Any], key: str | None = None, signature: str | None = None) -> Added:
    """Put a record and its cases into the transaction of ``session``; one that is there already stays as it is.

    ``record`` is one that ``record.build`` made, or that its schema has been held against.
    """
    raw = canonical(record)
    digest = hashlib.sha256(raw).hexdigest()
    if session.get(Record, digest) is not None:
        return Added(digest, new=False)
    machine = record["mlms"]["machine"]
    kept = Record(
        digest=digest,
        at=_moment(record["datetime"]),
        received=datetime.now(UTC),
        machine_class=str(machine.get("machine_class", "")),
        machine=machine,
        key=key,
        signature=signature,
        document=zlib.compress(raw),
        results=[],
    )
    kept.results = [_result(kept, case) for case in record["mlms"]["cases"]]
    session.add(kept)
    session.flush()
    for result in kept.results:
        _make_current(session, result)
    return Added(digest, new=True)


def read(session: Session, digest: str) -> dict[str, Any] | None:
    """The record of a digest; None where there is none."""
    kept = session.get(Record, digest)
    if kept is None:
        return None
    found: dict[str, Any] = json.loads(zlib.decompress(kept.document))
    return found


def newest(session: Session, count: int = 20) -> Sequence[Record]:
    """The last records, the newest first."""
    return session.scalars(select(Record).order_by(Record.at.desc(), Record.digest).limit(count)).all()


def _result(kept: Record, case: Mapping[str, Any]) -> Result:
    interval = case.get("interval") or {}
    return Result(
        at=kept.at,
        case=case["id"],
        claim=case["claim"],
        model=case["model"],
        dataset=case.get("dataset"),
        framework=case["framework"],
        version=(case.get("software") or {}).get("version"),
        target=case["target"],
        machine_class=(case.get("machine") or {}).get("machine_class") or kept.machine_class,
        metric=case["metric"],
        unit=case.get("unit"),
        published=case.get("published"),
        measured=case.get("measured"),
        low=interval.get("low"),
        high=interval.get("high"),
        n=case.get("n") or 0,
        verdict=case["verdict"],
        reason=case.get("reason") or "",
        seconds=case.get("seconds") or 0.0,
        **_percentiles(case.get("latencies_s")),
    )


def _percentiles(latencies_s: Sequence[float] | None) -> dict[str, float]:
    if not latencies_s:
        return {}
    ordered = sorted(latencies_s)
    return {f"p{p}_s": ordered[math.ceil(len(ordered) * p / 100) - 1] for p in (50, 90, 99)}


def _make_current(session: Session, result: Result) -> None:
    """Let a result be the current one of its case, unless a newer one is."""
    now = session.get(Current, (result.case, result.machine_class))
    if now is None:
        session.add(Current(case=result.case, machine_class=result.machine_class, result_id=result.id, at=result.at))
    elif now.at <= result.at:
        now.result_id, now.at = result.id, result.at


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found

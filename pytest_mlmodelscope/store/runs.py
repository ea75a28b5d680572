"""Records in the database: put in whole and once, read back, removed."""

from __future__ import annotations

import hashlib
import math
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, delete, insert, select, tuple_
from sqlalchemy.orm import Session

from pytest_mlmodelscope.core.errors import DocumentError, UsageError
from pytest_mlmodelscope.store.canonical import canonical, parsed
from pytest_mlmodelscope.store.changes import changed, inserting
from pytest_mlmodelscope.store.tables import NAME, Current, Record, Result

#: The table itself: its mapper would send rows with nulls one by one.
_RESULTS: Final = Result.metadata.tables[Result.__tablename__]
#: How far the clocks of two machines may be apart.
_AHEAD: Final = timedelta(days=1)
#: Digits of a digest that name a record for a person.
_SHORT: Final = 4


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a record: its digest, and whether it was not there before."""

    digest: str
    new: bool


def add(session: Session, record: Mapping[str, Any], key: str | None = None, signature: str | None = None) -> Added:
    """Put a record and its cases into the transaction of ``session``; one that is there already stays as it is, also
    where another process puts it in at the same time.

    ``record`` is one that ``record.build`` made, or that its schema has been held against.

    Raises:
        DocumentError: it has no canonical JSON, names a case twice, has a name that no column holds, or was measured
            later than now.
    """
    raw = canonical(record)
    digest = hashlib.sha256(raw).hexdigest()
    at = moment(record["datetime"])
    rows = _rows(digest, at, record["mlms"])
    if _insert_record(session, record["mlms"], digest, at, raw, key, signature):
        if rows:
            session.execute(insert(_RESULTS), rows)
        _make_current(session, select(Result).where(Result.record_digest == digest))
        changed(session)
        return Added(digest, new=True)
    return Added(digest, new=False)


def read(session: Session, digest: str) -> dict[str, Any] | None:
    """The record of a digest; None where there is none."""
    kept = session.get(Record, digest)
    return None if kept is None else parsed(zlib.decompress(kept.document))


def newest(session: Session, count: int = 20) -> Sequence[Record]:
    """The last records, the newest first."""
    return session.scalars(select(Record).order_by(Record.at.desc(), Record.digest).limit(count)).all()


def find(session: Session, start: str) -> str:
    """The digest that begins so.

    Raises:
        UsageError: none does, or several do.
    """
    if len(start) < _SHORT or not set(start) <= set("0123456789abcdef"):
        raise UsageError(f'"{start}" names no record', expected=f"the first {_SHORT} digits of its digest, or more")
    found = session.scalars(
        select(Record.digest)
        .where(Record.digest >= start, Record.digest < f"{start}g")
        .order_by(Record.digest)
        .limit(5)
    ).all()
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f'no record\'s digest begins with "{start}"', hint="mlms record list")
    raise UsageError(f'several digests begin with "{start}"', hint="; ".join(digest[:12] for digest in found))


def remove(session: Session, digest: str) -> bool:
    """Take a record and its results away; the ones before them are the current ones again. Whether it was there."""
    cells = session.execute(
        select(Current.case, Current.machine_class)
        .where(Current.record_digest == digest)
        .order_by(Current.case, Current.machine_class)
        .with_for_update()  # in the order in which those who add take them
    ).all()
    found = session.execute(delete(Record).where(Record.digest == digest).returning(Record.digest)).first()
    for case, machine_class in cells:
        last = select(Result).where(Result.case == case, Result.machine_class == machine_class)
        _make_current(session, last.order_by(Result.at.desc(), Result.record_digest.desc()).limit(1))
    if found is not None:
        changed(session)
    return found is not None


def _insert_record(
    session: Session,
    mlms: Mapping[str, Any],
    digest: str,
    at: datetime,
    raw: bytes,
    key: str | None,
    signature: str | None,
) -> bool:
    """Whether it was not there. Where another transaction is putting it in, this waits for what becomes of that."""
    machine = mlms["machine"]
    # Every add that meets one that is there would compress for nothing.
    if session.execute(select(Record.digest).where(Record.digest == digest)).first() is not None:
        return False
    statement = (
        inserting(session)(Record)
        .values(
            digest=digest,
            at=at,
            received=datetime.now(UTC),
            machine_class=_name(machine.get("machine_class") or "", "machine.machine_class"),
            machine=machine,
            key=key,
            signature=signature,
            document=zlib.compress(raw),
        )
        .on_conflict_do_nothing()
        .returning(Record.digest)
    )
    return session.execute(statement).first() is not None


def _make_current(session: Session, results: Select[Any]) -> None:
    """Let results be the current ones of their cases, unless newer ones are. Each is of another case or machine."""
    # Always in one order, so that of two transactions one waits for the other and never each for the other.
    chosen = results.subquery()
    ordered = (
        select(chosen.c.case, chosen.c.machine_class, chosen.c.id, chosen.c.at, chosen.c.record_digest)
        .where(chosen.c.id.is_not(None))  # SQLite's grammar needs a condition here
        .order_by(chosen.c.case, chosen.c.machine_class)
    )
    statement = inserting(session)(Current).from_select(
        ["case", "machine_class", "result_id", "at", "record_digest"], ordered
    )
    new = statement.excluded
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[Current.case, Current.machine_class],
            set_={name: new[name] for name in ("result_id", "at", "record_digest")},
            where=tuple_(new.at, new.record_digest) > tuple_(Current.at, Current.record_digest),
        )
    )


def _rows(digest: str, at: datetime, mlms: Mapping[str, Any]) -> list[dict[str, Any]]:
    own = mlms["machine"].get("machine_class") or ""
    rows = [_row(digest, at, case, own) for case in mlms["cases"]]
    names = [row["case"] for row in rows]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise DocumentError("names a case twice", where="the record", got=twice[0])
    return rows


def _row(digest: str, at: datetime, case: Mapping[str, Any], machine_class: str) -> dict[str, Any]:
    interval = case.get("interval") or {}
    names = {
        "case": case["id"],
        **{name: case[name] for name in ("claim", "model", "framework", "target", "metric")},
        "dataset": case.get("dataset"),
        "version": (case.get("software") or {}).get("version"),
        "machine_class": (case.get("machine") or {}).get("machine_class") or machine_class,
        "unit": case.get("unit"),
    }
    return {
        "record_digest": digest,
        "at": at,
        **{column: _name(value, f"a case's {column}") for column, value in names.items()},
        "published": case.get("published"),
        "measured": case.get("measured"),
        "low": interval.get("low"),
        "high": interval.get("high"),
        "n": case.get("n") or 0,
        "verdict": case["verdict"],
        "reason": _plain(case.get("reason") or ""),
        "seconds": case.get("seconds") or 0.0,
        **percentiles(case.get("latencies_s")),
    }


def _name(value: Any, what: str) -> str | None:
    """A name as a column holds it."""
    if value is None:
        return None
    text = _plain(str(value))
    if len(text) > NAME:
        raise DocumentError(f"{what} is too long", where="the record", expected=f"at most {NAME} characters", got=text)
    return text


def _plain(text: str) -> str:
    """PostgreSQL takes any character but this one."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def percentiles(latencies_s: Sequence[float] | None) -> dict[str, float | None]:
    """The latencies of the results' table in seconds, by their columns; None where there are no latencies."""
    ordered = sorted(latencies_s or ())
    at = {p: ordered[math.ceil(len(ordered) * p / 100) - 1] if ordered else None for p in (50, 90, 99)}
    return {f"p{p}_s": value for p, value in at.items()}


def moment(text: str, ahead: timedelta = _AHEAD) -> datetime:
    """When a record was written; one without a time zone means UTC.

    Raises:
        DocumentError: it is no moment, or later than clocks may be ``ahead``.
    """
    try:
        found = datetime.fromisoformat(text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise DocumentError("is not a moment", where="the record's datetime", got=text) from None
    if found > datetime.now(UTC) + ahead:
        raise DocumentError(
            "was measured later than now", where="the record's datetime", got=text, hint="set your clock"
        )
    return found

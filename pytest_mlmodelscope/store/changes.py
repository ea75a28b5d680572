"""How often the results have changed, by which whoever keeps what was made of them knows that it is behind."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from pytest_mlmodelscope.store.tables import Change

#: Both know what SQL's standard does not: to insert unless it is there.
_INSERT: Final = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
#: What is counted; and that a transaction has changed it.
_RESULTS: Final = "results"


def inserting(session: Session) -> Any:
    """``insert`` of the database, with ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    return _INSERT[session.get_bind().dialect.name]


def changed(session: Session) -> None:
    """Have the transaction of ``session`` counted where it ends (``Database.writing``)."""
    session.info[_RESULTS] = True


def count(session: Session) -> None:
    """Count the transaction, if it has changed results.

    All of them write one row, each waits for the one before it: whoever does so last has nothing left to do but to
    end, and waits for nobody who waits for it.
    """
    if session.info.pop(_RESULTS, False):
        first = inserting(session)(Change).values(what=_RESULTS, count=1)
        session.execute(first.on_conflict_do_update(index_elements=[Change.what], set_={"count": Change.count + 1}))


def revision(session: Session) -> int:
    """How often results have changed, as far as this transaction sees."""
    return session.scalar(select(Change.count).where(Change.what == _RESULTS)) or 0

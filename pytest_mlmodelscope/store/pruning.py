"""Which records a store may do without."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pytest_mlmodelscope.store.tables import Current, Record


def old(session: Session, keep: int = 0, before: datetime | None = None, current: bool = False) -> Sequence[str]:
    """The digests of all records but the newest ``keep``, as far as they were written ``before`` (None: whenever), the
    oldest first. One that holds the newest result of a case on a kind of machine is among them only as ``current``.
    """
    rest = select(Record.digest, Record.at).order_by(Record.at.desc(), Record.digest).offset(keep).subquery()
    question = select(rest.c.digest).order_by(rest.c.at, rest.c.digest)
    if before is not None:
        question = question.where(rest.c.at < before)
    if not current:
        question = question.where(rest.c.digest.not_in(select(Current.record_digest)))
    return session.scalars(question).all()

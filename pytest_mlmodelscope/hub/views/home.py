"""What the first page tells: how the claims stand, and what was measured last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pytest_mlmodelscope.core.result import WORDS
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.store.tables import Current, Record, Result

_NEWEST: Final = 8


@dataclass(frozen=True, slots=True)
class Total:
    """How many current results have a verdict."""

    word: str
    count: int


@dataclass(frozen=True, slots=True)
class Home:
    """The newest results first; ``models``, ``claims``, ``records`` and ``machines`` are numbers of them."""

    totals: tuple[Total, ...]
    newest: Sequence[Result]
    models: int
    claims: int
    frameworks: int
    machines: int
    records: int


def totals(session: Session) -> tuple[Total, ...]:
    """How many cells of the matrix have which verdict, in the order of the five words."""
    question = (
        select(Result.verdict, func.count()).join(Current, Current.result_id == Result.id).group_by(Result.verdict)
    )
    found = dict(session.execute(question).tuples().all())
    return tuple(Total(word, found.get(word, 0)) for word in WORDS)


def home(session: Session, shelf: Shelf) -> Home:
    """What the first page shows."""
    models = shelf.models()
    return Home(
        totals=totals(session),
        newest=session.scalars(select(Result).order_by(Result.at.desc(), Result.id.desc()).limit(_NEWEST)).all(),
        models=len(models),
        claims=sum(len(model.claims) for model in models),
        frameworks=len({framework for model in models for framework in model.frameworks}),
        machines=session.scalar(select(func.count(func.distinct(Current.machine_class)))) or 0,
        records=session.scalar(select(func.count()).select_from(Record)) or 0,
    )

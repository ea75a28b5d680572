"""What the first page tells: how the claims stand, and what was measured last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pytest_mlmodelscope.hub.views.asking import current, outcomes
from pytest_mlmodelscope.hub.views.outcomes import Outcome, Total, totals_of
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.store.tables import Current, Result

_NEWEST: Final = 8


@dataclass(frozen=True, slots=True)
class Home:
    """The newest results first; ``models``, ``claims``, ``frameworks`` and ``machines`` are numbers of them."""

    totals: tuple[Total, ...]
    newest: tuple[Outcome, ...]
    models: int
    claims: int
    frameworks: int
    machines: int


def totals(session: Session) -> tuple[Total, ...]:
    """How many cells of the matrix have which verdict, in the order of the five words."""
    question = current(Result.verdict, func.count()).group_by(Result.verdict)
    return totals_of(dict(session.execute(question).all()))


def home(session: Session, shelf: Shelf) -> Home:
    """What the first page shows."""
    models = shelf.models()
    return Home(
        totals=totals(session),
        newest=outcomes(session, select(Result).order_by(Result.at.desc(), Result.id.desc()).limit(_NEWEST)),
        models=len(models),
        claims=len(shelf.claims()),
        frameworks=len({framework for model in models for framework in model.frameworks}),
        machines=session.scalar(select(func.count(func.distinct(Current.machine_class)))) or 0,
    )

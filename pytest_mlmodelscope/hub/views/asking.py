"""What views ask of the database in common: the cells of the matrix, under filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from pytest_mlmodelscope.hub.views.outcomes import Outcome, from_result
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.store.tables import Current, Result


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader wants to see; empty: all. ``hardware`` is a class of machines, ``author`` a part of a name."""

    text: str = ""
    task: str = ""
    framework: str = ""
    hardware: str = ""
    author: str = ""
    verdict: str = ""
    model: str = ""
    target: str = ""

    def __bool__(self) -> bool:
        return self != Filters()

    def told(self) -> dict[str, str]:
        """Those that are given, for a query string."""
        return {name: getattr(self, name) for name in self.__slots__ if getattr(self, name)}


def current(*columns: Any) -> Select[Any]:
    """A question about the newest result of each case on each kind of machine."""
    return select(*columns).join(Current, Current.result_id == Result.id)


def outcomes(session: Session, question: Select[Any]) -> tuple[Outcome, ...]:
    """The results that a question finds."""
    return tuple(map(from_result, session.scalars(question)))


def where(filters: Filters, shelf: Shelf) -> list[ColumnElement[bool]]:
    """The filters as conditions on results."""
    exact = {
        Result.framework: filters.framework,
        Result.machine_class: filters.hardware,
        Result.verdict: filters.verdict,
        Result.model: filters.model,
        Result.target: filters.target,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in exact.items() if value]
    if filters.task:
        found.append(_one_of(Result.model, [card.name for card in shelf.models(task=filters.task)]))
    if filters.author:
        found.append(_one_of(Result.claim, claims_by(filters.author, shelf)))
    return found + [_has(word, shelf) for word in filters.text.split()]


def claims_by(author: str, shelf: Shelf) -> list[str]:
    """The ids of the claims that somebody with this in the name published."""
    wanted = author.casefold()
    return [card.id for card in shelf.claims() if any(wanted in name.casefold() for name in card.source["authors"])]


def _one_of(column: InstrumentedAttribute[str], values: Sequence[str]) -> ColumnElement[bool]:
    return column.in_(values) if values else false()


def _has(word: str, shelf: Shelf) -> ColumnElement[bool]:
    described = [card.name for card in shelf.models(word)]
    return or_(
        Result.model.icontains(word, autoescape=True),
        Result.claim.icontains(word, autoescape=True),
        Result.framework.icontains(word, autoescape=True),
        _one_of(Result.model, described),
    )


def authors(shelf: Shelf) -> list[str]:
    """Everybody who published a claim that is on the shelf."""
    return sorted({name for card in shelf.claims() for name in card.source["authors"]}, key=str.casefold)

"""The matrix: what holds where. A row for each model or claim, a column for each framework on each target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pytest_mlmodelscope.hub.views.asking import Filters, authors, current, where
from pytest_mlmodelscope.hub.views.outcomes import Total, ordered, totals_of
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.store.tables import Current, Result

Rows = Literal["model", "claim"]
#: Rows of one page.
PAGE: Final = 60


@dataclass(frozen=True, slots=True)
class Column:
    """A framework, and how many targets it has."""

    framework: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One model or claim, with a cell for each framework on each target, in the order of the columns.

    A cell has the verdicts that are there, the gravest first.
    """

    name: str
    model: str
    cells: tuple[tuple[Total, ...], ...]


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters can be set to."""

    tasks: Sequence[str]
    frameworks: Sequence[str]
    hardware: Sequence[str]
    authors: Sequence[str]


@dataclass(frozen=True, slots=True)
class Matrix:
    """``page`` counts from 1; ``missing`` are models on the shelf of which nothing is known here yet."""

    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    totals: tuple[Total, ...]
    choices: Choices
    page: int
    pages: int
    count: int
    missing: tuple[str, ...]

    @property
    def stacks(self) -> tuple[tuple[str, str], ...]:
        """Framework and target of each cell of a row."""
        return tuple((column.framework, target) for column in self.columns for target in column.targets)


def choices(session: Session, shelf: Shelf) -> Choices:
    """What the filters can be set to: what is on the shelf, and what results are there."""
    models = shelf.models()
    known = {framework for model in models for framework in model.frameworks}
    return Choices(
        tasks=sorted({model.task for model in models}),
        frameworks=sorted(known.union(session.scalars(current(Result.framework).distinct()))),
        hardware=session.scalars(select(Current.machine_class).distinct().order_by(Current.machine_class)).all(),
        authors=authors(shelf),
    )


def matrix(session: Session, shelf: Shelf, filters: Filters, rows: Rows = "model", page: int = 1) -> Matrix:
    """The cells that the filters leave, counted by the database."""
    name = Result.claim if rows == "claim" else Result.model
    columns = (name, Result.model, Result.framework, Result.target, Result.verdict)
    question = current(*columns, func.count()).where(*where(filters, shelf)).group_by(*columns)
    counted = session.execute(question).all()
    cells, totals = _cells(counted)
    names = sorted({(model, name) for name, model, *_ in counted})
    pages = max(1, -(-len(names) // PAGE))
    page = min(max(1, page), pages)
    shown = names[(page - 1) * PAGE : page * PAGE]
    frameworks = _columns(key[2:] for key in cells)
    stacks = [(column.framework, target) for column in frameworks for target in column.targets]
    return Matrix(
        rows=tuple(
            Row(name, model, tuple(_cell(cells, name, model, *stack) for stack in stacks)) for model, name in shown
        ),
        columns=frameworks,
        totals=totals_of(totals),
        choices=choices(session, shelf),
        page=page,
        pages=pages,
        count=len(names),
        missing=() if filters else _missing(shelf, {model for model, _ in names}),
    )


_Key = tuple[str, str, str, str]


def _cells(
    counted: Iterable[tuple[str, str, str, str, str, int]],
) -> tuple[dict[_Key, dict[str, int]], dict[str, int]]:
    cells: dict[_Key, dict[str, int]] = {}
    totals: dict[str, int] = {}
    for name, model, framework, target, verdict, count in counted:
        cells.setdefault((name, model, framework, target), {})[verdict] = count
        totals[verdict] = totals.get(verdict, 0) + count
    return cells, totals


def _cell(cells: Mapping[_Key, Mapping[str, int]], *key: str) -> tuple[Total, ...]:
    name, model, framework, target = key
    return ordered(cells.get((name, model, framework, target), {}))


def _columns(stacks: Iterable[tuple[str, ...]]) -> tuple[Column, ...]:
    found: dict[str, set[str]] = {}
    for framework, target in stacks:
        found.setdefault(framework, set()).add(target)
    return tuple(Column(framework, tuple(sorted(targets))) for framework, targets in sorted(found.items()))


def _missing(shelf: Shelf, there: set[str]) -> tuple[str, ...]:
    return tuple(card.name for card in shelf.models() if card.name not in there)

"""Datasets, frameworks and targets: what there is of each."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from sqlalchemy import func
from sqlalchemy.orm import Session

from pytest_mlmodelscope.core.manifest import DatasetManifest
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.hub.views.asking import current
from pytest_mlmodelscope.hub.views.outcomes import Total, ordered
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.store.tables import Result


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset, and the claims that speak of it."""

    manifest: DatasetManifest
    claims: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A framework or a target: what it is, the models that it runs (of frameworks), the verdicts of its results."""

    name: str
    about: str
    models: tuple[str, ...]
    totals: tuple[Total, ...]


def datasets(shelf: Shelf) -> tuple[Dataset, ...]:
    """All datasets on the shelf, by name."""
    claims: dict[str, list[str]] = {}
    for card in shelf.claims():
        if card.dataset is not None:
            claims.setdefault(card.dataset.partition("/")[0], []).append(card.id)
    return tuple(
        Dataset(shelf.catalogue.dataset(name, ""), tuple(claims.get(name, ())))
        for name in shelf.catalogue.dataset_names()
    )


def frameworks(session: Session, shelf: Shelf) -> tuple[Listed, ...]:
    """All frameworks that are installed here or that results speak of."""
    models: dict[str, list[str]] = {}
    for card in shelf.models():
        for framework in card.frameworks:
            models.setdefault(framework, []).append(card.name)
    totals = _totals(session, "framework")
    return tuple(
        Listed(name, "", tuple(models.get(name, ())), totals.get(name, ()))
        for name in sorted({*names("frameworks"), *totals})
    )


def targets(session: Session) -> tuple[Listed, ...]:
    """All targets that are known here or that results speak of."""
    totals, known = _totals(session, "target"), names("targets")
    return tuple(
        Listed(name, _about(name) if name in known else "", (), totals.get(name, ()))
        for name in sorted({*known, *totals})
    )


def _about(target: str) -> str:
    return (inspect.getdoc(member("targets", target)) or "").partition("\n\n")[0]


def _totals(session: Session, column: str) -> dict[str, tuple[Total, ...]]:
    by = getattr(Result, column)
    found: dict[str, dict[str, int]] = {}
    for name, verdict, count in session.execute(current(by, Result.verdict, func.count()).group_by(by, Result.verdict)):
        found.setdefault(name, {})[verdict] = count
    return {name: ordered(counts) for name, counts in found.items()}

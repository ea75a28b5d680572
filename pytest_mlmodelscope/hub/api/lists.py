"""What there is besides models and claims: ``/api/datasets``, ``/api/frameworks``, ``/api/targets``."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from pytest_mlmodelscope.hub.asked import OnShelf, Reading
from pytest_mlmodelscope.hub.caching import shared
from pytest_mlmodelscope.hub.views import lists as view

router = APIRouter(tags=["models"])


@dataclass(frozen=True, slots=True)
class DatasetCard:
    """A dataset: its splits with their numbers of items, and the claims that speak of it."""

    name: str
    version: str
    license: str
    description: str
    splits: dict[str, int]
    claims: tuple[str, ...]


@router.get("/datasets")
@shared
def datasets(shelf: OnShelf) -> list[DatasetCard]:
    """The datasets that claims speak of."""
    return [_card(one) for one in view.datasets(shelf)]


@router.get("/frameworks")
@shared
def frameworks(session: Reading, shelf: OnShelf) -> tuple[view.Listed, ...]:
    """The frameworks that models run on, and how their results stand."""
    return view.frameworks(session, shelf)


@router.get("/targets")
@shared
def targets(session: Reading) -> tuple[view.Listed, ...]:
    """The targets that claims are verified on, and how their results stand."""
    return view.targets(session)


def _card(one: view.Dataset) -> DatasetCard:
    told = one.manifest
    splits = {name: split.items for name, split in told.splits.items()}
    return DatasetCard(told.name, told.version, told.license, told.description, splits, one.claims)

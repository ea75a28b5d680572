"""Models: ``/api/models``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fastapi import APIRouter

from pytest_mlmodelscope.core.errors import did_you_mean
from pytest_mlmodelscope.hub.api._parts import InPath, Name, Text, missing
from pytest_mlmodelscope.hub.asked import OnShelf
from pytest_mlmodelscope.hub.caching import shared
from pytest_mlmodelscope.library.cards import ModelCard

router = APIRouter(tags=["models"])


@router.get("/models")
@shared
def models(shelf: OnShelf, text: Text = "", task: Name = None, framework: Name = None) -> list[ModelCard]:
    """The models on the shelf, as far as they match, by name."""
    return [_public(card) for card in shelf.models(text, task, framework)]


@router.get("/models/{name}")
@shared
def model(shelf: OnShelf, name: InPath) -> ModelCard:
    """One model."""
    names = shelf.catalogue.model_names()
    if name not in names:
        raise missing("model", name, did_you_mean(name, names))
    return _public(shelf.model_card(name))


def _public(card: ModelCard) -> ModelCard:
    """Without the place on this machine."""
    return replace(card, file=Path(card.file).name)

"""Models: ``/api/models``."""

from __future__ import annotations

from fastapi import APIRouter

from pytest_mlmodelscope.hub.asked import OnShelf
from pytest_mlmodelscope.library.cards import ModelCard

router = APIRouter(tags=["models"])


@router.get("/models")
def models(shelf: OnShelf, text: str = "", task: str | None = None, framework: str | None = None) -> list[ModelCard]:
    """The models on the shelf, as far as they match."""
    return shelf.models(text, task, framework)

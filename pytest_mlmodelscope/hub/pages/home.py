"""The first page."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from pytest_mlmodelscope.hub.asked import OnShelf

router = APIRouter()


@router.get("/", response_class=HTMLResponse)
def home(shelf: OnShelf) -> str:
    """What there is."""
    return f"<!doctype html><title>MLModelScope</title><p>{len(shelf.models())} models"

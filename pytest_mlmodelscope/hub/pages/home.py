"""The first page."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from pytest_mlmodelscope.hub.asked import OnShelf, Reading
from pytest_mlmodelscope.hub.caching import shared
from pytest_mlmodelscope.hub.rendering import page
from pytest_mlmodelscope.hub.views import home as view

router = APIRouter()


@router.get("/", response_class=HTMLResponse)
@shared
def home(request: Request, session: Reading, shelf: OnShelf) -> HTMLResponse:
    """What there is, how the claims stand, what was measured last."""
    return page(request, "home.html", home=view.home(session, shelf))

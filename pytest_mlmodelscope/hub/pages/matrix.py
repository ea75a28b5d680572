"""The matrix: ``/matrix``."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from pytest_mlmodelscope.hub.asked import OnShelf, Reading
from pytest_mlmodelscope.hub.caching import shared
from pytest_mlmodelscope.hub.pages._asked import Asked, PageNumber
from pytest_mlmodelscope.hub.rendering import page
from pytest_mlmodelscope.hub.views import matrix as view

router = APIRouter()


@router.get("/matrix", response_class=HTMLResponse)
@shared
def matrix(
    request: Request,
    session: Reading,
    shelf: OnShelf,
    filters: Asked,
    rows: view.Rows = "model",
    number: PageNumber = 1,
) -> HTMLResponse:
    """Model x framework x target, a verdict in each cell."""
    found = view.matrix(session, shelf, filters, rows, number)
    return page(request, "matrix.html", matrix=found, filters=filters, rows=rows)

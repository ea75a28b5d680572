"""What there is besides models and claims: ``/datasets``, ``/frameworks``, ``/targets``."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from pytest_mlmodelscope.hub.asked import OnShelf, Reading
from pytest_mlmodelscope.hub.caching import shared
from pytest_mlmodelscope.hub.rendering import page
from pytest_mlmodelscope.hub.views import lists as view

router = APIRouter()


@router.get("/datasets", response_class=HTMLResponse)
@shared
def datasets(request: Request, shelf: OnShelf) -> HTMLResponse:
    """The datasets that claims speak of."""
    return page(request, "datasets.html", datasets=view.datasets(shelf))


@router.get("/frameworks", response_class=HTMLResponse)
@shared
def frameworks(request: Request, session: Reading, shelf: OnShelf) -> HTMLResponse:
    """The frameworks that models run on."""
    return page(request, "frameworks.html", frameworks=view.frameworks(session, shelf))


@router.get("/targets", response_class=HTMLResponse)
@shared
def targets(request: Request, session: Reading) -> HTMLResponse:
    """The targets that claims are verified on."""
    return page(request, "targets.html", targets=view.targets(session))

"""Models: ``/models`` and ``/models/{name}``."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from pytest_mlmodelscope.hub import charts
from pytest_mlmodelscope.hub.asked import Hub, OnShelf, Reading
from pytest_mlmodelscope.hub.caching import shared
from pytest_mlmodelscope.hub.drawing import Chart
from pytest_mlmodelscope.hub.pages._asked import Asked, unknown
from pytest_mlmodelscope.hub.rendering import page
from pytest_mlmodelscope.hub.views import models as view
from pytest_mlmodelscope.hub.views.latencies import Distribution

router = APIRouter()
#: Charts of figures over time on one page; a claim's own page has its own.
_CHARTS = 4


@router.get("/models", response_class=HTMLResponse)
@shared
def models(request: Request, session: Reading, shelf: OnShelf, filters: Asked) -> HTMLResponse:
    """The models that match, with how their claims stand."""
    found = view.models(session, shelf, filters.text, filters.task, filters.framework)
    return page(request, "models.html", found=found, filters=filters)


@router.get("/models/{name:path}", response_class=HTMLResponse)
@shared
def model(request: Request, name: str, session: Reading, shelf: OnShelf, hub: Hub) -> HTMLResponse:
    """One model: how to run it, whether its claims hold, how quick it is where."""
    found = view.model(session, shelf, name)
    if found is None:
        raise unknown("model", name, view.names(session, shelf))
    return page(
        request,
        "model.html",
        model=found,
        histories=[charts.over_time(one) for one in found.histories[:_CHARTS]],
        address=(hub.address or str(request.base_url)).rstrip("/"),
        latencies=_latencies(found.latencies),
    )


def _latencies(found: Sequence[Distribution]) -> Chart | None:
    if not found:
        return None
    return charts.quick_and_slow(found, f"{found[0].claim}: how long single queries took")

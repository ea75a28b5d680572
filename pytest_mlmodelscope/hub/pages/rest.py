"""The page of the REST interface: what its description says, without scripts from elsewhere."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from pytest_mlmodelscope.hub.caching import shared
from pytest_mlmodelscope.hub.rendering import page

router = APIRouter()
_METHODS: Final = ("get", "post", "put", "delete")


@router.get("/docs", response_class=HTMLResponse)
@shared
def rest(request: Request) -> HTMLResponse:
    """Every operation, with what it takes."""
    described = request.app.openapi()
    operations = [
        (method.upper(), path, told)
        for path, item in described["paths"].items()
        for method, told in item.items()
        if method in _METHODS
    ]
    return page(request, "rest.html", operations=operations)

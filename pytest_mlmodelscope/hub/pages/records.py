"""Records: ``/records/{digest}``, as a page and as JSON."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.hub.asked import Reading
from pytest_mlmodelscope.hub.rendering import page
from pytest_mlmodelscope.hub.views import records as view
from pytest_mlmodelscope.store.canonical import canonical
from pytest_mlmodelscope.store.runs import find, newest, read

router = APIRouter()
#: A record never changes: its digest is its name.
_FOR_EVER = {"cache-control": "public, max-age=31536000, immutable"}


@router.get("/records", response_class=HTMLResponse)
def records(request: Request, session: Reading) -> HTMLResponse:
    """The newest records."""
    return page(request, "records.html", records=newest(session, 100))


@router.get("/records/{digest}.json")
def data(digest: str, session: Reading) -> Response:
    """A record as it was signed."""
    found = read(session, _whole(session, digest))
    return Response(canonical(found or {}), media_type="application/json", headers=_FOR_EVER)


@router.get("/records/{digest}", response_class=HTMLResponse)
def record(request: Request, digest: str, session: Reading) -> HTMLResponse:
    """One run: on what, with what, what came of it, who signed it."""
    found = view.record(session, _whole(session, digest))
    return page(request, "record.html", record=found)


def _whole(session: Session, start: str) -> str:
    try:
        return find(session, start)
    except UsageError as error:
        raise HTTPException(404, error.what) from None

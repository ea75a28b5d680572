"""Claims: ``/claims``, and for each a page that can be cited, a badge, BibTeX and JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from sqlalchemy.orm import Session

from pytest_mlmodelscope.hub import badge, charts, citing
from pytest_mlmodelscope.hub.asked import Hub, OnShelf, Reading
from pytest_mlmodelscope.hub.caching import shared
from pytest_mlmodelscope.hub.pages._asked import Asked, PageNumber, unknown
from pytest_mlmodelscope.hub.rendering import link, page
from pytest_mlmodelscope.hub.settings import Settings
from pytest_mlmodelscope.hub.views import claims as view
from pytest_mlmodelscope.hub.views.matrix import choices
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.record.case import json_ready

router = APIRouter()


@router.get("/claims", response_class=HTMLResponse)
@shared
def claims(request: Request, session: Reading, shelf: OnShelf, filters: Asked, number: PageNumber = 1) -> HTMLResponse:
    """The claims that match, with their verdicts."""
    found = view.claims(session, shelf, filters, number)
    return page(request, "claims.html", found=found, filters=filters, choices=choices(session, shelf))


@router.get("/claims/{identity:path}/badge.svg")
@shared
def badge_of(identity: str, session: Reading, shelf: OnShelf, framework: str = "", hardware: str = "") -> Response:
    """A small picture of the verdict and the figure, for a model card."""
    found = _found(session, shelf, identity)
    return Response(badge.drawn(found, framework, hardware), media_type="image/svg+xml")


@router.get("/claims/{identity:path}/cite.bib")
@shared
def cite(request: Request, identity: str, session: Reading, shelf: OnShelf, hub: Hub) -> PlainTextResponse:
    """How to cite what was published, and what was found here."""
    text = citing.bibtex(_found(session, shelf, identity), _permanent(request, hub, identity))
    return PlainTextResponse(text, media_type="application/x-bibtex")


@router.get("/claims/{identity:path}.json")
@shared
def data(request: Request, identity: str, session: Reading, shelf: OnShelf, hub: Hub) -> JSONResponse:
    """The page's content as data."""
    found = _found(session, shelf, identity)
    return JSONResponse({"url": _permanent(request, hub, identity), **_plain(found)})


@router.get("/claims/{identity:path}", response_class=HTMLResponse)
@shared
def claim(request: Request, identity: str, session: Reading, shelf: OnShelf, hub: Hub) -> HTMLResponse:
    """One claim: what was published where, and what came of it."""
    found = _found(session, shelf, identity)
    address = _permanent(request, hub, identity)
    return page(
        request,
        "claim.html",
        claim=found,
        address=address,
        bibtex=citing.bibtex(found, address),
        standing=charts.standing(found.outcomes, f"{found.id}: measured and published"),
        history=charts.over_time(found.history) if found.history is not None and found.history.lasts else None,
    )


def _found(session: Session, shelf: Shelf, identity: str) -> view.ClaimPage:
    found = view.claim(session, shelf, identity)
    if found is None:
        raise unknown("claim", identity, view.identities(session, shelf))
    return found


def _permanent(request: Request, hub: Settings, identity: str) -> str:
    return (hub.address or str(request.base_url)).rstrip("/") + link("claims", identity)


def _plain(found: view.ClaimPage) -> dict[str, Any]:
    told: dict[str, Any] = json_ready(
        {
            **{name: getattr(found, name) for name in ("id", "model", "metric", "dataset", "source", "conditions")},
            "published": found.published_text,
            "verdict": found.verdict,
            "results": [asdict(one) | {"at": one.at.isoformat()} for one in found.outcomes],
        }
    )
    return told

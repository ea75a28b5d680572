"""Jobs: ``/jobs`` asks for one, ``/jobs/ID`` shows it while it waits, runs and has ended."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from pytest_mlmodelscope.hub.asked import OnShelf
from pytest_mlmodelscope.hub.jobs.door import AtDoor, Identity
from pytest_mlmodelscope.hub.jobs.told import JobCard
from pytest_mlmodelscope.hub.rendering import page
from pytest_mlmodelscope.hub.views.side_by_side import side_by_side

router = APIRouter()

#: Seconds after which a page without scripts looks again.
_AGAIN_S: Final = 3


@router.get("/jobs", response_class=HTMLResponse)
def jobs(request: Request, door: AtDoor, shelf: OnShelf, claim: str = "") -> HTMLResponse:
    """What waits and runs, and a form that asks for a claim to be verified."""
    return page(request, "jobs.html", jobs=door.listed(), claims=shelf.claims(), chosen=claim, open=door.open)


@router.post("/jobs")
async def submit(request: Request, door: AtDoor) -> RedirectResponse:
    """What a form asks for; leads to the job."""
    return _to(await door.submit(request))


@router.get("/jobs/{identity}", response_class=HTMLResponse)
def job(request: Request, identity: Identity, door: AtDoor) -> HTMLResponse:
    """One job."""
    found = door.card(identity)
    answers = side_by_side((found.result or {}).get("predictions", ()), found.request.get("pixels"))
    return page(request, "job.html", job=found, found=answers, again=_AGAIN_S, headers={"Cache-Control": "no-store"})


@router.post("/jobs/{identity}/cancel")
def cancel(identity: Identity, door: AtDoor) -> RedirectResponse:
    """Cancel it, and show it again."""
    return _to(door.cancel(identity))


def _to(job: JobCard) -> RedirectResponse:
    return RedirectResponse(f"/jobs/{job.id}", status_code=303)

"""The playground: ``/playground`` offers models, and one of them to be tried."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.hub.asked import OnShelf
from pytest_mlmodelscope.hub.jobs.door import AtDoor, Identity
from pytest_mlmodelscope.hub.rendering import page
from pytest_mlmodelscope.hub.views import playground as view
from pytest_mlmodelscope.hub.views.side_by_side import side_by_side
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.store.tables import NAME

router = APIRouter()
Name = Annotated[str, Query(max_length=NAME)]
_STILL: dict[str, str] = {"Cache-Control": "private, max-age=300"}


@router.get("/playground", response_class=HTMLResponse)
def playground(
    request: Request, shelf: OnShelf, door: AtDoor, model: Name = "", text: Name = "", example: int | None = None
) -> HTMLResponse:
    """The models; or the form for one of them, with an example in it where one is asked for."""
    if not model:
        return page(request, "playground.html", groups=view.groups(shelf, text), text=text)
    return _form(request, shelf, door, model, example=example)


@router.post("/playground")
async def submit(request: Request, shelf: OnShelf, door: AtDoor, model: Name) -> Response:
    """What the form asks for; leads to the job, or back with what is wrong."""
    try:
        job = await door.submit(request)
    except (AnyHTTPException, MlmsError) as error:
        status, said = (
            (error.status_code, error.detail) if isinstance(error, AnyHTTPException) else (422, error.abroad())
        )
        return _form(request, shelf, door, model, error=said, status=status)
    return RedirectResponse(f"/jobs/{job.id}", status_code=303)


@router.get("/playground/answers/{identity}", response_class=HTMLResponse)
def answers(request: Request, identity: Identity, door: AtDoor) -> HTMLResponse:
    """What came of a job, as the part of a page."""
    job = door.card(identity)
    found = side_by_side((job.result or {}).get("predictions", ()), job.request.get("pixels"))
    return page(request, "playground_answers.html", job=job, found=found)


@router.get("/playground/examples/{number}")
def example_file(shelf: OnShelf, number: int, model: Name) -> Response:
    """The file of an example."""
    offered = _trial(shelf, model).examples
    if not 0 <= number < len(offered) or not offered[number].content:
        raise HTTPException(404, "there is no such example")
    found = offered[number]
    return Response(found.content, media_type=found.media, headers=_STILL)


def _form(
    request: Request,
    shelf: Shelf,
    door: AtDoor,
    model: str,
    *,
    example: int | None = None,
    error: str = "",
    status: int = 200,
) -> HTMLResponse:
    trial = _trial(shelf, model)
    given = trial.examples[example].text if example is not None and 0 <= example < len(trial.examples) else ""
    most = door.bounds.upload_bytes
    return page(
        request, "try.html", status=status, trial=trial, given=given, error=error, open=door.open, most_bytes=most
    )


def _trial(shelf: Shelf, model: str) -> view.Trial:
    try:
        return view.trial(shelf, model)
    except MlmsError as error:
        raise HTTPException(404, str(error)) from None

"""Jobs: ``/api/jobs``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response
from pydantic import TypeAdapter
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.hub.jobs.asking import ASKED
from pytest_mlmodelscope.hub.jobs.door import AGAIN_S, REFUSALS, AtDoor, Identity, OfHub
from pytest_mlmodelscope.hub.jobs.told import JobCard, JobList
from pytest_mlmodelscope.hub.jobs.watching import TooMany
from pytest_mlmodelscope.hub.problems import Refused
from pytest_mlmodelscope.store.tables import NAME

router = APIRouter(tags=["jobs"])
_CARD: Final = TypeAdapter(JobCard)
_NONE: Final[dict[int | str, dict[str, Any]]] = {404: {"description": "There is no such job."}}


def _body() -> dict[str, Any]:
    """What a job is asked for with, as OpenAPI says it: the handler reads it by itself, to bound it."""
    asked = ASKED.json_schema(ref_template="#/components/schemas/{model}")
    inner = asked.pop("$defs")
    predict, verify = (_inlined(inner[name], inner) for name in ("Predict", "Verify"))
    predict["required"] += ["input"]  # a form may have a file instead
    given = predict["properties"]["input"]
    given["oneOf"] = [{"required": [name]} for name in given["properties"]]
    for one in (predict, verify):
        one["properties"]["target"]["enum"] = list(names("targets"))
    content = {
        "application/json": {"schema": {"oneOf": [predict, verify]}},
        "multipart/form-data": {"schema": {"oneOf": [_form(predict), _form(verify)]}},
    }
    return {"requestBody": {"required": True, "content": content}}


def _form(asked: dict[str, Any]) -> dict[str, Any]:
    """The same as parts of a form: texts, one of which may hold JSON, and a file."""
    parts = {**asked["properties"]}
    required = [name for name in asked["required"] if name != "input"]
    if "framework" in parts:
        parts["framework"] = {"type": "string", "minLength": 1, "maxLength": NAME}
    if parts.pop("input", None) is not None:
        told = {name: {"type": "string", "description": "as JSON"} for name in ("array", "fields")}
        parts |= {**told, "text": {"type": "string"}, "file": {"type": "string", "format": "binary"}}
    return {"type": "object", "required": required, "properties": parts}


def _inlined(schema: Any, inner: dict[str, Any]) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(inner[schema["$ref"].rpartition("/")[2]], inner)
        return {key: _inlined(value, inner) for key, value in schema.items()}
    return [_inlined(one, inner) for one in schema] if isinstance(schema, list) else schema


@router.post("/jobs", status_code=202, openapi_extra=_body(), responses={**REFUSALS})
async def submit(request: Request, response: Response, door: AtDoor) -> JobCard:
    """Ask for a prediction or a verification. A file comes as a part of ``multipart/form-data``."""
    job = await door.submit(request)
    response.headers["Location"] = f"/api/jobs/{job.id}"
    return job


@router.get("/jobs")
def jobs(door: AtDoor) -> JobList:
    """What waits and runs, and your own jobs where you have a token."""
    return door.listed()


@router.get("/jobs/{identity}", responses=_NONE)
def job(identity: Identity, door: AtDoor) -> JobCard:
    """One job: where in the queue, how far, what came of it."""
    return door.card(identity)


@router.post("/jobs/{identity}/cancel", responses={**_NONE, 403: REFUSALS[403]})
def cancel(identity: Identity, door: AtDoor) -> JobCard:
    """Take it out of the queue, or end it; one that has ended stays as it is."""
    return door.cancel(identity)


@router.get(
    "/jobs/{identity}/events",
    response_class=EventSourceResponse,
    responses={
        **_NONE,
        200: {
            "description": "Server-sent events `job`, each with the job as JSON.",
            "content": {"text/event-stream": {}},
        },
        204: {"description": "It has ended, and you know it already."},
        503: REFUSALS[503],
    },
)
async def events(
    identity: Identity,
    door: AtDoor,
    of_hub: OfHub,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> Response:
    """The job now and after each change, until it has ended. Who comes back says which event was the last."""
    now = await run_in_threadpool(door.card, identity)
    if now.ended and now.mark == last_event_id:
        return Response(status_code=204)  # tells a browser not to come back
    try:
        of_hub.watcher.refuse_too_many()
    except TooMany as error:
        raise Refused(503, error.what, headers={"Retry-After": str(AGAIN_S)}) from None
    following = of_hub.watcher.follow(identity, last_event_id)
    return EventSourceResponse(_told(following), send_timeout=AGAIN_S)


async def _told(cards: AsyncIterator[JobCard]) -> AsyncIterator[ServerSentEvent]:
    async for card in cards:
        said = _CARD.dump_json(replace(card, result=None)).decode()
        yield ServerSentEvent(said, event="job", id=card.mark)

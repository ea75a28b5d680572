"""Records, whole: ``/api/records``."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from pytest_mlmodelscope.core.schema import schema
from pytest_mlmodelscope.hub.api._parts import USUAL, Digest, Limit, Name, going_on, missing
from pytest_mlmodelscope.hub.asked import Reading
from pytest_mlmodelscope.hub.caching import shared
from pytest_mlmodelscope.hub.problems import Refused
from pytest_mlmodelscope.hub.receiving import Receiving
from pytest_mlmodelscope.hub.writers import ResultsWriter
from pytest_mlmodelscope.record.envelope import FORMS, VERSION, resealed
from pytest_mlmodelscope.store.tables import DIGEST, Record

router = APIRouter(tags=["records"])


class RecordCard(BaseModel):
    """A record, without what is in it."""

    model_config = ConfigDict(from_attributes=True)

    digest: Annotated[str, Field(description="SHA-256 of its canonical JSON (RFC 8785): its name everywhere")]
    at: Annotated[datetime, Field(description="when it was written")]
    received: Annotated[datetime, Field(description="when it came to this hub")]
    machine_class: str
    key: Annotated[str | None, Field(description="what signed it; null for a run of the hub's own machine")]


class Taken(BaseModel):
    """What became of a record that was sent."""

    digest: str
    new: Annotated[bool, Field(description="false: it was here already, and nothing changed")]


class Records(BaseModel):
    """A part of the records, the newest first; ``next`` is the address of the next part."""

    records: list[RecordCard]
    next: str | None


_Whole: Mapping[int | str, dict[str, Any]] = {
    200: {
        "description": "The very bytes that were signed: canonical JSON (`mlms schema record`).",
        "content": {"application/json": {"schema": {"type": "object", "required": schema("record")["required"]}}},
    }
}
_SEAL: Mapping[str, dict[str, Any]] = {
    name: {"type": ["string", "null"] if name == "to" else "string", "pattern": f"^(?:{form.pattern})$"}
    for name, form in FORMS.items()
}
_ENVELOPE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "`record` and its `seal`: the record's digest, the fingerprint of the key, when and for which "
        "hub it was signed, and the Ed25519 signature of that.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["envelope", "record", "seal"],
                    "properties": {
                        "envelope": {"const": VERSION},
                        "record": _Whole[200]["content"]["application/json"]["schema"],
                        "seal": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": list(_SEAL),
                            "properties": _SEAL,
                        },
                    },
                }
            }
        },
    }
}
_AGAIN: Mapping[int | str, dict[str, Any]] = {
    200: {"model": Taken, "description": "It was here already."},
    409: {"description": "Somebody else sent it before."},
}
_After = Annotated[
    str | None, Query(pattern=rf"^[0-9a-f]{{{DIGEST}}}$", description="only those that are older than this one")
]


@router.get("/records", responses={404: {"description": "There is no record `after`."}})
@shared
def records(
    session: Reading,
    request: Request,
    response: Response,
    machine_class: Name = None,
    after: _After = None,
    limit: Limit = USUAL,
) -> Records:
    """The records, the newest first."""
    question = select(Record).order_by(Record.at.desc(), Record.digest.desc()).limit(limit + 1)
    if machine_class is not None:
        question = question.where(Record.machine_class == machine_class)
    if after is not None:
        last = _kept(session, after)
        question = question.where(tuple_(Record.at, Record.digest) < tuple_(last.at, last.digest))
    found = session.scalars(question).all()
    cards = [RecordCard.model_validate(one) for one in found[:limit]]
    more = going_on(request, response, after=cards[-1].digest) if len(found) > limit else None
    return Records(records=cards, next=more)


async def _raw(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "an envelope is JSON", hint="Content-Type: application/json")
    return await request.body()


@router.post("/records", status_code=201, openapi_extra=_ENVELOPE, responses={**_AGAIN})
async def take(
    writer: ResultsWriter,  # before the body: who may not write makes nobody read
    raw: Annotated[bytes, Depends(_raw)],
    request: Request,
    response: Response,
) -> Taken:
    """Send a record in an envelope that its owner's key has signed (`mlms push`). Sent twice, it is here once."""
    receiving: Receiving = request.app.state.receiving
    added = await receiving.take(raw, writer)
    if added.new:
        request.app.state.bodies.arrived()
    response.status_code = 201 if added.new else 200
    response.headers["Location"] = f"/api/records/{added.digest}"
    return Taken(digest=added.digest, new=added.new)


@router.get("/records/{digest}/envelope")
def envelope(session: Reading, digest: Digest) -> dict[str, Any]:
    """The envelope that a record came in: whoever has the key can see that it was signed."""
    kept = _kept(session, digest)
    if kept.signature is None:
        raise Refused(404, "the record is of this hub's own machine: nobody signed it")
    return resealed(json.loads(zlib.decompress(kept.document)), kept.signature)


@router.get("/records/{digest}", responses={**_Whole}, response_class=Response)
def record(session: Reading, request: Request, digest: Digest) -> Response:
    """One record as it was written. It never changes, so it may be kept for ever."""
    headers = {"ETag": f'"{digest}"', "Cache-Control": "public, max-age=31536000, immutable"}
    kept = _kept(session, digest)
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(zlib.decompress(kept.document), headers=headers, media_type="application/json")


@router.head("/records/{digest}", response_class=Response)
def has(session: Reading, digest: Digest) -> Response:
    """Whether a record is here, for those who think of sending it."""
    _kept(session, digest)
    return Response(headers={"ETag": f'"{digest}"'}, media_type="application/json")


def _kept(session: Session, digest: str) -> Record:
    found = session.get(Record, digest)
    if found is None:
        raise missing("record", digest)
    return found

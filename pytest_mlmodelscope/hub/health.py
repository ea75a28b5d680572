"""Whether the hub can do its work: ``/health``, for whoever watches it."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import select

from pytest_mlmodelscope.hub.asked import Reading
from pytest_mlmodelscope.store.tables import Record

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The hub answers, and so does its database; otherwise there is a 503."""

    status: Literal["ok"] = "ok"


@router.get("/health", summary="Whether the hub works")
def health(session: Reading, response: Response) -> Health:
    """Look at the database, by a question that needs its tables."""
    session.execute(select(Record.digest).limit(1)).first()
    response.headers["Cache-Control"] = "no-store"
    return Health()

"""Results: ``/api/results``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import select

from pytest_mlmodelscope.core.result import WORDS
from pytest_mlmodelscope.hub.api._parts import USUAL, Limit, Name, going_on
from pytest_mlmodelscope.hub.asked import Reading
from pytest_mlmodelscope.hub.caching import shared
from pytest_mlmodelscope.store.tables import Result

router = APIRouter(tags=["results"])


class ResultCard(BaseModel):
    """What came of one case in one record. Figures are in ``unit``, times in seconds."""

    model_config = ConfigDict(from_attributes=True)

    id: Annotated[int, Field(description="a number that grows with every result that arrives")]
    record: Annotated[str, Field(validation_alias="record_digest", description="the digest of its record")]
    at: Annotated[datetime, Field(description="when it was measured")]
    case: str
    claim: str
    model: str
    dataset: str | None
    framework: str
    version: str | None
    target: str
    machine_class: Annotated[str, Field(description="where it ran")]
    metric: str
    unit: str | None
    published: float | None
    measured: float | None
    low: Annotated[float | None, Field(description="the lower bound of `measured`")]
    high: Annotated[float | None, Field(description="the upper bound")]
    n: Annotated[int, Field(description="items or queries")]
    verdict: Annotated[str, Field(examples=list(WORDS))]
    reason: str
    p50_s: float | None
    p90_s: float | None
    p99_s: float | None
    seconds: Annotated[float, Field(description="what it took")]


class Results(BaseModel):
    """A part of the results, those that arrived last first; ``next`` is the address of the next part."""

    results: list[ResultCard]
    next: str | None


_Verdict = Annotated[str | None, Query(pattern=f"^({'|'.join(WORDS)})$", description="how it was judged")]


def _no_number(value: object) -> object:
    if isinstance(value, str) and not value[4:].startswith("-"):
        raise ValueError("a date and a time, as 2026-11-01T00:00:00Z")
    return value


_Since = Annotated[
    AwareDatetime | None,
    BeforeValidator(_no_number),  # a number would be taken for seconds since 1970
    Query(description="measured then or later", examples=["2026-11-01T00:00:00Z"]),
]
_Before = Annotated[int | None, Query(ge=1, le=2**53, description="only those with a smaller id")]


@router.get("/results")
@shared
def results(
    session: Reading,
    request: Request,
    response: Response,
    model: Name = None,
    claim: Name = None,
    framework: Name = None,
    target: Name = None,
    machine_class: Name = None,
    metric: Name = None,
    verdict: _Verdict = None,
    since: _Since = None,
    before: _Before = None,
    limit: Limit = USUAL,
) -> Results:
    """The results that match, those that arrived last first."""
    exact = {
        Result.model: model,
        Result.claim: claim,
        Result.framework: framework,
        Result.target: target,
        Result.machine_class: machine_class,
        Result.metric: metric,
        Result.verdict: verdict,
    }
    question = select(Result).where(*(column == value for column, value in exact.items() if value is not None))
    if since is not None:
        question = question.where(Result.at >= since)
    if before is not None:
        question = question.where(Result.id < before)
    found = session.scalars(question.order_by(Result.id.desc()).limit(limit + 1)).all()
    cards = [ResultCard.model_validate(one) for one in found[:limit]]
    more = going_on(request, response, before=cards[-1].id) if len(found) > limit else None
    return Results(results=cards, next=more)

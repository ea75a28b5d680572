"""Whatever goes wrong, told in one form: problem details (RFC 9457) to programs, a page to people."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from pytest_mlmodelscope.core.errors import (
    AssetError,
    DocumentError,
    EnvironmentUnavailable,
    InputError,
    MlmsError,
    NotApplicable,
    RemoteError,
    SignatureError,
    UsageError,
    WorkerError,
)

MEDIA_TYPE: Final = "application/problem+json"
#: What an error of ours is to a client; the first class that fits counts.
_STATUS: Final[Mapping[type[MlmsError], int]] = {
    SignatureError: 403,
    InputError: 422,
    UsageError: 400,
    DocumentError: 422,
    NotApplicable: 409,
    EnvironmentUnavailable: 409,
    AssetError: 409,
    RemoteError: 409,
    WorkerError: 409,
}
_AWAY_S: Final = 2
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

_log = logging.getLogger(__name__)


class Mistake(BaseModel):
    """One thing that is wrong in a request."""

    at: Annotated[str, Field(description="where: `query.limit`, `body.record.datetime`")]
    message: str


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(description="always `about:blank`: `status` says it all")] = "about:blank"
    title: Annotated[str, Field(description="the status in words", examples=["Not Found"])]
    status: Annotated[int, Field(description="the status of the response", examples=[404])]
    detail: Annotated[str, Field(description="what is wrong", examples=['no model is called "eldd"'])] = ""
    expected: Annotated[str | None, Field(description="what would have been right")] = None
    got: Annotated[str | None, Field(description="what came instead")] = None
    hint: Annotated[str | None, Field(description="what to try", examples=['did you mean "eld"?'])] = None
    errors: Annotated[list[Mistake] | None, Field(description="all that is wrong in the request")] = None


class Refused(HTTPException):
    """A request that is not done, and why. The words go to whoever asked."""

    def __init__(
        self, status: int, detail: str, *, hint: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self.hint = hint
        super().__init__(status, detail, dict(headers or {}))


def problem(status: int, detail: str = "", headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    """A response that says what went wrong; ``more`` are further fields of ``Problem``."""
    told = Problem(title=title(status), status=status, detail=detail, **more)
    return JSONResponse(told.model_dump(exclude_none=True), status, dict(headers or {}), MEDIA_TYPE)


def title(status: int) -> str:
    """A status in words."""
    return HTTPStatus(status).phrase


def handle_all(app: FastAPI) -> None:
    """Let an application tell everything that goes wrong in this form."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(MlmsError, _ours)
    app.add_exception_handler(DataError, _no_data)
    app.add_exception_handler(RecursionError, _too_deep)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(kind, _away)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    hint = getattr(error, "hint", None)
    detail = "" if error.detail == title(error.status_code) else str(error.detail)
    headers = dict(error.headers or {})
    if error.status_code == 405 and (allowed := _allowed(request)):
        headers["Allow"] = allowed
    return _told(request, error.status_code, detail, headers, hint=hint)


def _allowed(request: Request) -> str:
    """What may be asked of an address; the framework names only what the first of its handlers takes."""
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]
    return ", ".join(
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    )


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = [
        Mistake(at=".".join(str(part) for part in one["loc"]), message=str(one["msg"])[:500]) for one in error.errors()
    ]
    return _told(request, 422, "the request is not what the description of the interface asks for", errors=wrong)


def _ours(request: Request, error: Exception) -> Response:
    """Where it went wrong is left out: that is a path on this machine, or what the caller sent anyway."""
    assert isinstance(error, MlmsError)
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 400)
    more = {"expected": error.expected, "got": error.got, "hint": error.hint}
    told: dict[str, Any] = {key: str(value)[:1000] for key, value in more.items() if value is not None}
    return _told(request, status, error.what[:1000], **told)


def _no_data(request: Request, error: Exception) -> Response:  # noqa: ARG001  # it holds what was sent
    return _told(request, 422, "a value is too large for the database, or of no kind that it knows")


def _too_deep(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return _told(request, 422, "the document is nested too deeply")


def _away(request: Request, error: Exception) -> Response:
    found = away(error)
    return _told(request, found.status_code, str(found.detail), found.headers, hint=found.hint)


def away(error: Exception) -> Refused:
    """Why a request is not done where the database does not do its part; the log has what it said."""
    if _is_full(getattr(error, "orig", None)):
        _log.error("the database has no room left: %s", str(error).partition("\n")[0])
        return Refused(507, "the hub has no room left", hint="tell whoever runs it")
    _log.warning("the database does not answer: %s", str(error).partition("\n")[0])
    return Refused(503, "the database does not answer", hint="try again soon", headers={"Retry-After": str(_AWAY_S)})


def _is_full(error: object) -> bool:
    """Whether SQLite, or PostgreSQL (its code ``disk_full``), says that nothing more can be written."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or getattr(error, "sqlstate", "") == "53100"


def _told(
    request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    from pytest_mlmodelscope.hub.complaining import complaint, reads_pages

    if not reads_pages(request):
        return problem(status, detail, headers, **more)
    return complaint(request, status, detail, headers, more.get("hint"), more.get("errors") or ())

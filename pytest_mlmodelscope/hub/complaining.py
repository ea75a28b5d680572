"""What went wrong, as a page for who reads pages and as JSON for everybody else."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from pytest_mlmodelscope.hub.rendering import page

#: What is never a page: by how its address begins, and ends.
_DATA: Final = ("/api/", "/static/")
_FILES: Final = (".json", ".svg", ".bib")


def install(app: FastAPI) -> None:
    """Let the pages of an application complain as pages."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if not _reads_pages(request):
        return await http_exception_handler(request, error)
    return _page(request, error.status_code, str(error.detail), error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if not _reads_pages(request):
        return await request_validation_exception_handler(request, error)
    told = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors()[:5])
    return _page(request, 422, told)


def _page(request: Request, status: int, detail: str, headers: object = None) -> Response:
    kept = dict(headers) if isinstance(headers, dict) else {}
    title = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Something went wrong"
    return page(request, "error.html", status=status, headers=kept, code=status, title=title, detail=detail)


def _reads_pages(request: Request) -> bool:
    """By the address alone: pages that are shared are made without knowing who asks for them."""
    path = request.url.path
    return not path.startswith(_DATA) and not path.endswith(_FILES)

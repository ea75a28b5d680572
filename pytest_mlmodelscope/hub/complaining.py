"""What went wrong, as a page for who reads pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response

from pytest_mlmodelscope.hub.rendering import page

#: What is never a page: by how its address begins, and ends.
_DATA: Final = ("/api/", "/static/", "/health")
_FILES: Final = (".json", ".svg", ".bib")


def reads_pages(request: Request) -> bool:
    """By the address alone: pages that are shared are made without knowing who asks for them."""
    path = request.url.path
    return not path.startswith(_DATA) and not path.endswith(_FILES)


def complaint(
    request: Request,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    hint: str | None = None,
    errors: Sequence[Any] = (),
) -> Response:
    """A page that says what is wrong; ``errors`` have ``at`` and ``message``."""
    told = "; ".join([*filter(None, [detail]), *(f"{one.at}: {one.message}" for one in errors[:5])])
    title = HTTPStatus(status).phrase
    whole = f"{told}: {hint}" if hint else told or title
    return page(request, "error.html", status=status, headers=headers, code=status, title=title, detail=whole)

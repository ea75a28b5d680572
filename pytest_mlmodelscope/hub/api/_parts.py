"""What the parts of REST have in common: names in queries and addresses, and lists that go on."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Path, Query, Request, Response

from pytest_mlmodelscope.hub.problems import Refused
from pytest_mlmodelscope.store.tables import DIGEST, NAME

#: No character that a database refuses.
_TEXT: Final = r"^[^\x00]*$"
#: Things on one page of a list.
_USUAL: Final = 50
_MOST: Final = 500

Text = Annotated[str, Query(max_length=NAME, pattern=_TEXT, description="words that all have to be there")]
Name = Annotated[str | None, Query(max_length=NAME, pattern=_TEXT, description="exactly this")]
InPath = Annotated[str, Path(max_length=NAME, pattern=_TEXT)]
Digest = Annotated[
    str, Path(pattern=rf"^[0-9a-f]{{{DIGEST}}}$", description="SHA-256 of the canonical JSON", examples=["0" * DIGEST])
]
Limit = Annotated[int, Query(ge=1, le=_MOST, description="how many at once")]
USUAL: Final = _USUAL


def missing(what: str, name: str, hint: str | None = None) -> Refused:
    """There is no such thing."""
    return Refused(404, f'no {what} is called "{name}"', hint=hint)


def going_on(request: Request, response: Response, **place: Any) -> str:
    """The address of the next part of a list, told in the header ``Link``, too."""
    query = {**dict(request.query_params), **{key: str(value) for key, value in place.items()}}
    address = f"{request.url.path}?{urlencode(query)}"
    response.headers["Link"] = f'<{address}>; rel="next"'
    return address

"""Who may give a hub a job, and what came with the request, read as far as it may go."""

from __future__ import annotations

from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException
from starlette.types import Message

#: Parts of a form beside its file.
_PARTS: Final = 64


def refuse_other_sites(request: Request) -> None:
    """A page of somebody else's must not make a reader's browser give jobs to the reader's own hub.

    Raises:
        HTTPException: 403, it comes from such a page.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    foreign = site in ("cross-site", "same-site")
    if foreign or (site is None and origin is not None and urlsplit(origin).netloc != request.headers.get("host")):
        raise HTTPException(403, "jobs are taken from pages of this hub, and from programs")


class Bounded:
    """The body of a request, of which no more than ``most`` bytes are read."""

    def __init__(self, request: Request, most: int) -> None:
        self._most, self._read, self._receive = most, 0, request.receive
        self.request = Request(request.scope, self._bounded)
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > most:
            self._refuse()

    async def _bounded(self) -> Message:
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > self._most:
            self._refuse()
        return message

    def _refuse(self) -> None:
        raise HTTPException(413, f"the request is too large: at most {self._most:,} bytes")

    async def form(self) -> FormData:
        """The parts of a form.

        Raises:
            HTTPException: 413, 422.
        """
        try:
            return await self.request.form(max_files=1, max_fields=_PARTS, max_part_size=self._most)
        except MultiPartException as error:
            raise HTTPException(422, error.message) from None

    async def body(self) -> bytes:
        """All of it.

        Raises:
            HTTPException: 413.
        """
        return await self.request.body()


def parts_of(form: FormData) -> tuple[list[tuple[str, str]], BinaryIO | None]:
    """The texts of a form by their names, and its file; a file that was not chosen is none."""
    texts = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    files: list[Any] = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    chosen = [upload.file for upload in files if upload.size]
    return texts, chosen[0] if chosen else None

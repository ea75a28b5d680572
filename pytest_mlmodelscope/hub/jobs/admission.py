"""What comes with a job, read as far as it may go."""

from __future__ import annotations

from typing import Any, BinaryIO, Final

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException
from starlette.types import Message

from pytest_mlmodelscope.hub.problems import Refused

#: Parts of a form beside its file.
_PARTS: Final = 64


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
        raise Refused(413, f"a job has at most {self._most:,} bytes")

    async def form(self) -> FormData:
        """The parts of a form.

        Raises:
            Refused: 413, 422.
        """
        try:
            return await self.request.form(max_files=1, max_fields=_PARTS, max_part_size=self._most)
        except MultiPartException as error:
            raise Refused(422, error.message) from None

    async def body(self) -> bytes:
        """All of it.

        Raises:
            Refused: 413.
        """
        return await self.request.body()


def parts_of(form: FormData) -> tuple[list[tuple[str, str]], BinaryIO | None]:
    """The texts of a form by their names, and its file; a file that was not chosen is none."""
    texts = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    files: list[Any] = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    chosen = [upload.file for upload in files if upload.size]
    return texts, chosen[0] if chosen else None

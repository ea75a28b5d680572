"""What comes with a job, read as far as it may go."""

from __future__ import annotations

from typing import Any, BinaryIO, Final

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException

from pytest_mlmodelscope.hub.edge.sizes import bounded
from pytest_mlmodelscope.hub.problems import Refused

#: Parts of a form beside its file.
_PARTS: Final = 64


def of_at_most(request: Request, most: int) -> Request:
    """The same request; to read more than ``most`` bytes of its body raises 413."""
    return Request(request.scope, bounded(request.receive, most, "a job"))


async def form_of(request: Request, most: int) -> FormData:
    """The parts of a form, none of more than ``most`` bytes save for its file.

    Raises:
        Refused: 422, it is none.
    """
    try:
        return await request.form(max_files=1, max_fields=_PARTS, max_part_size=most)
    except MultiPartException as error:
        raise Refused(422, error.message) from None


def parts_of(form: FormData) -> tuple[list[tuple[str, str]], BinaryIO | None]:
    """The texts of a form by their names, and its file; a file that was not chosen is none."""
    texts = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    files: list[Any] = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    chosen = [upload.file for upload in files if upload.size]
    return texts, chosen[0] if chosen else None

"""What is given as a file, as bytes or as text: read whole, and never more than is bearable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, TypeGuard

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import InputError

#: Bytes of one input: half an hour of sound, or a picture of any camera.
MOST_BYTES: Final = 64 * 2**20
#: Characters of one text.
MOST_TEXT: Final = 8 * 2**20
#: The longest text that may be the path of a file.
_LONGEST_PATH: Final = 4096


#: A file, or its bytes.
Held = Path | bytes | bytearray | memoryview


def is_held(given: Any) -> TypeGuard[Held]:
    """Whether something is a file or its bytes."""
    return isinstance(given, (Path, bytes, bytearray, memoryview))


def content(given: Held) -> bytes:
    """The bytes of a file, or those that were given.

    Raises:
        InputError: it is no file that can be read, it is empty, or too large.
    """
    if not isinstance(given, Path):
        return _bounded(bytes(given[: MOST_BYTES + 1]), None)
    where = shown_path(given)
    try:
        if not given.is_file():
            # A device or a pipe may have no end.
            raise InputError("there is no such file", where=where, hint="look at the path")
        with given.open("rb") as file:
            return _bounded(file.read(MOST_BYTES + 1), where)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=where) from None


def _bounded(held: bytes, where: str | None) -> bytes:
    if not held:
        raise InputError("the input is empty", where=where, expected="at least one byte")
    if len(held) > MOST_BYTES:
        raise InputError("the input is too large", where=where, expected=f"at most {MOST_BYTES:,} bytes", got="more")
    return held


def as_path(given: Any, files: bool) -> Path | None:
    """The file that is meant, where one is: a path, or with ``files`` a text that is the path of a file."""
    if isinstance(given, Path):
        return given
    if not files or not isinstance(given, str) or len(given) > _LONGEST_PATH:
        return None
    # A text that cannot be a path, as one with a zero character, is none.
    return Path(given) if "\0" not in given and os.path.isfile(given) else None  # noqa: PTH113


def text(given: Any) -> str:
    """A text, or that of UTF-8 bytes or of a file.

    Raises:
        InputError: it is none, it is empty or too long, or it cannot be read.
    """
    if is_held(given):
        given = _decoded(content(given))
    if not isinstance(given, str):
        raise InputError("is not a text", expected="text, UTF-8 bytes or a file", got=type(given).__name__)
    if len(given) > MOST_TEXT:
        raise InputError("the text is too long", expected=f"at most {MOST_TEXT:,} characters", got=f"{len(given):,}")
    if not given.strip():
        raise InputError("the text is empty", expected="at least one character that is no blank")
    try:
        given.encode()
    except UnicodeEncodeError as error:
        raise InputError("is not a text: half of a character stands alone", got=f"at {error.start}") from None
    return given


def _decoded(held: bytes) -> str:
    try:
        return held.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text: {error.reason}", got=f"byte {error.start}") from None

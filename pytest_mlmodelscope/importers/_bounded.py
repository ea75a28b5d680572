"""Reading what somebody else made: no more than so many bytes, whatever the file claims."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError

#: Bytes of one protocol buffer: its own format admits no more.
LARGEST: Final = 2**31 - 1
#: Bytes of a description (a configuration, a program's text) that is read whole.
TEXT: Final = 64 * 2**20
#: Files in an archive.
_MEMBERS: Final = 100_000
#: Inputs, outputs and axes of which a person would still want to read.
MANY: Final = 256


def whole(path: Path, most: int) -> bytes:
    """All bytes of a file.

    Raises:
        DocumentError: it holds more than ``most``, or nothing.
    """
    size = path.stat().st_size
    if not 0 < size <= most:
        expected = f"1 to {most:,} bytes"
        raise DocumentError("is no model that is read here", where=shown_path(path), expected=expected, got=f"{size:,}")
    return path.read_bytes()


#: What reading a damaged or encrypted archive raises.
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, ValueError, EOFError, KeyError, struct.error)


class Archive:
    """A zip file of which some members are read, each no further than a bound.

    Raises DocumentError for what is damaged, and for a member that is larger than it may be.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with zipfile.ZipFile(path) as opened:
                self.names: Sequence[str] = opened.namelist()
        except _BROKEN as error:
            raise self._broken(str(error)) from None
        if len(self.names) > _MEMBERS:
            raise self._broken(f"it has {len(self.names):,} members, more than {_MEMBERS:,}")

    def read(self, name: str, most: int = TEXT) -> bytes:
        """The bytes of one member."""
        try:
            with zipfile.ZipFile(self._path) as opened, opened.open(name) as member:
                data = member.read(most + 1)
        except _BROKEN as error:
            raise self._broken(f"{name}: {error}") from None
        if len(data) > most:
            raise self._broken(f"{name} is larger than {most:,} bytes")
        return data

    def _broken(self, why: str) -> DocumentError:
        return DocumentError("is no archive that can be read", where=shown_path(self._path), got=why)


def no_more_than(values: Sequence[object], what: str, path: Path) -> None:
    """Refuse what nobody could read any more.

    Raises:
        DocumentError: there are more than ``MANY``.
    """
    if len(values) > MANY:
        raise DocumentError(f"has {len(values):,} {what}, more than {MANY}", where=shown_path(path))


def axes(lengths: Sequence[int | str | None], path: Path) -> tuple[int | str, ...]:
    """A shape as manifests spell it: an axis of any length has a name, the first one ``batch``."""
    no_more_than(lengths, "axes", path)
    return tuple(_axis(place, length) for place, length in enumerate(lengths))


def _axis(place: int, length: int | str | None) -> int | str:
    known = isinstance(length, int) and length >= 0
    if known:
        return length  # type: ignore[return-value]
    named = isinstance(length, str) and length.isidentifier() and len(length) <= MANY
    return "batch" if place == 0 else str(length) if named else f"axis{place}"

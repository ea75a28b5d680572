"""What a model's file says of itself, whatever its format."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError, UsageError
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.interfaces.importer import Described

#: Bytes by which importers tell their format.
START: Final = 512


def described(path: Path) -> Described:
    """Inputs, outputs and frameworks of a model, from the first importer that the file or folder fits.

    Raises:
        UsageError: there is no such file.
        DocumentError: no importer reads its format, or it is damaged.
    """
    found: Described = _importer(path).read(path)
    return found


def gathered(path: Path, target: Path) -> None:
    """Write a new file that holds a model and what lies beside it (``Described.beside``).

    Raises:
        DocumentError: it cannot be held by one file.
    """
    _importer(path).gather(path, target)


def _importer(path: Path) -> Any:
    if not path.exists():
        raise UsageError("there is no such file or folder", where=path)
    start = _start(path)
    for name in names("importers"):
        importer = member("importers", name)
        if importer.fits(path, start):
            return importer
    raise DocumentError(
        _why(path, start),
        where=shown_path(path),
        expected=f"a model of one of the formats {', '.join(names('importers'))}",
        hint="mlms new model without a file asks for everything",
    )


def _start(path: Path) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(START)


def _why(path: Path, start: bytes) -> str:
    if start[:1] == b"\x80":
        return "is a pickle: what it holds is known only when its code has run, which is not done here"
    if start.startswith(b"\x89HDF"):
        return "is an HDF5 file: save the model as .keras or as a SavedModel"
    return "is a folder without a model" if path.is_dir() else "is of no format that is known"

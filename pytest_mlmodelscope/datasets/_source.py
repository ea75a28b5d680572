"""What every reader does with its options: find the asset, decode it, convert labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError, UsageError, did_you_mean

#: The format lets a manifest be checked for assets that it does not have.
ASSET: Final[dict[str, Any]] = {
    "description": "the name of one of the dataset's assets",
    "type": "string",
    "format": "asset",
}
ENCODING: Final[dict[str, Any]] = {"description": "of the text (default: utf-8)", "type": "string"}
LABEL_TYPE: Final[dict[str, Any]] = {
    "description": "text (default), integer or number",
    "enum": ["text", "integer", "number"],
}

_CONVERT: Final[dict[str, Callable[[str], Any]]] = {"text": str, "integer": int, "number": float}


def path_of(files: Mapping[str, Path], name: str) -> Path:
    """The file or folder of an asset.

    Raises:
        UsageError: the dataset has no such asset; offers the nearest.
    """
    if name not in files:
        raise UsageError(f'the dataset has no asset called "{name}"', hint=did_you_mean(name, files))
    return files[name]


def text_of(path: Path, encoding: str) -> str:
    """The decoded text of a file, its line ends as they are, without a byte order mark.

    Raises:
        DocumentError: it is not text of this encoding; gives the line.
        UsageError: there is no such encoding.
    """
    raw = path.read_bytes()
    try:
        return raw.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DocumentError(f"is not {encoding} text", where=f"{shown_path(path)}:{line}") from None
    except LookupError:
        raise UsageError(f'no text encoding is called "{encoding}"', hint="utf-8, latin-1, cp1252 ...") from None


def label_converter(kind: str, path: Path) -> Callable[[str, int], Any]:
    """A function from a label as written, and its line, to the label.

    It raises DocumentError, with file and line, for what is not of this kind.
    """
    convert = _CONVERT[kind]

    def converted(raw: str, line: int) -> Any:
        try:
            return convert(raw)
        except ValueError:
            raise DocumentError(
                f"the label is not a{'n' if kind == 'integer' else ''} {kind}",
                where=f"{shown_path(path)}:{line}",
                got=repr(raw),
            ) from None

    return converted

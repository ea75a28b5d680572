"""JSON files: strictly read, checked against their schema, written whole or not at all."""

from __future__ import annotations

import json
import math
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.document import Document, shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.core.schema import check

MAX_BYTES: Final = 1024 * 1024 * 1024


def read_json(path: Path, kind: str, precheck: Callable[[Any, str], None] | None = None) -> Document:
    """One file of a kind of ``core.schema``.

    ``precheck`` looks at the data (with ``file``, for its messages) before the schema does, to
    explain what the schema could not.

    Raises:
        DocumentError: with file and line.
    """
    text = _text(path)
    data = _parsed(text, path)
    if precheck is not None:
        precheck(data, shown_path(path))
    document = Document(path, data, text)
    check(document, kind)
    return document


def write_json(data: Mapping[str, Any], path: Path, kind: str) -> None:
    """Write through a temporary file beside it, so that a reader never meets half of one.

    Raises:
        DocumentError: the data breaks its schema, or the file cannot be written.
    """
    text = json.dumps(data, indent=1, ensure_ascii=True, allow_nan=False) + "\n"
    check(Document(path, data, text), kind)
    write_text(text, path)


def write_text(text: str, path: Path) -> None:
    """Write a file whole or not at all.

    Raises:
        DocumentError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as error:
        raise DocumentError(
            f"cannot be written: {error.strerror}", where=shown_path(path), hint="name a file in a folder you own"
        ) from None


def new_name() -> str:
    """The name of a file that sorts by the time it was made, and that no other session takes."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%S.%fZ")
    return f"{now}-{secrets.token_hex(4)}.json"


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DocumentError("file is too large", where=shown_path(path), expected=f"at most {MAX_BYTES:,} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror}", where=shown_path(path)) from None
    except UnicodeDecodeError:
        raise DocumentError("is not UTF-8 text", where=shown_path(path)) from None
    if not text.strip():
        raise DocumentError("is empty", where=shown_path(path), hint="what wrote it did not finish: write it anew")
    return text


def _parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_whole)
    except json.JSONDecodeError as error:
        where = f"{shown_path(path)}:{error.lineno}"
        raise DocumentError(f"is not valid JSON: {error.msg} in column {error.colno}", where=where) from None
    except ValueError as error:
        raise DocumentError(f"holds a number that is out of range: {error}", where=shown_path(path)) from None
    except RecursionError:
        raise DocumentError("is nested too deeply", where=shown_path(path)) from None


def _refuse_constant(text: str) -> Any:
    raise ValueError(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text[:40])
    return value


def _whole(text: str) -> int:
    if len(text) > 300:  # beyond what a float can hold
        raise ValueError(text[:40] + "...")
    return int(text)

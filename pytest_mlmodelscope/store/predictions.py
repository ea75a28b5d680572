"""Predictions of single items: kept compressed, named by their digest.

The record holds the digest, so that two machines can tell at once whether they decided alike,
and the list itself can be compared item by item.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pytest_mlmodelscope.store.results import used


def keep(root: Path, ids: Sequence[str], predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, Any]:
    """Write one line of JSON an item (id, prediction, reference); give its digest, count and path.

    The digest is the SHA-256 of the lines before compression.
    """
    lines = [
        json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=_plain)
        for row in zip(ids, predictions, references, strict=True)
    ]
    # A file's name need not be text; what UTF-8 cannot hold is then written as JSON's own escape.
    raw = ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")
    digest = hashlib.sha256(raw).hexdigest()
    path = place(root, digest)
    if path.exists():
        used(path)
    else:
        _write(path, gzip.compress(raw, compresslevel=1, mtime=0))
    return {"sha256": digest, "items": len(lines), "file": str(path)}


def place(root: Path, digest: str) -> Path:
    """Where the predictions of a digest lie, whether they are there or not."""
    return root / digest[:2] / f"{digest}.jsonl.gz"


def read(path: Path) -> Iterator[tuple[str, Any, Any]]:
    """The rows (id, prediction, reference) that ``keep`` wrote."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            identity, prediction, reference = json.loads(line)
            yield identity, prediction, reference


def digest_of(path: Path) -> str | None:
    """The digest of what a file holds; None where it cannot be read."""
    try:
        return hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()
    except (OSError, EOFError, zlib.error):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return str(value)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(name).replace(path)

"""Arrays by name in one ``.npz`` file, named by their digest: outputs of a model, inputs that break a check."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pytest_mlmodelscope.store.results import used


def keep(root: Path, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Write them; give their digest, place and size in bytes.

    The digest is the SHA-256 of names, types, shapes and elements, whatever the file looks like.
    """
    plain = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    digest = _digest(plain)
    path = root / digest[:2] / f"{digest}.npz"
    if path.exists():
        used(path)
    else:
        _write(path, plain)
    return {"sha256": digest, "file": str(path), "bytes": sum(array.nbytes for array in plain.values())}


def read(path: Path) -> dict[str, Any]:
    """The arrays that ``keep`` wrote.

    Raises:
        OSError: the file is not there.
    """
    # Of a damaged file numpy would leave open what it opened itself.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
        return {name: found[name] for name in found.files}


def digest_of(path: Path) -> str | None:
    """The digest of what a file holds; None where it cannot be read."""
    try:
        return _digest(read(path))
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _digest(arrays: Mapping[str, Any]) -> str:
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        found.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode("utf-8", "backslashreplace"))
        found.update(array.tobytes())
    return found.hexdigest()


def _write(path: Path, arrays: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    # numpy's own savez cannot hold an array that is called "file".
    with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as packed:
        for key, array in arrays.items():
            with packed.open(f"{key}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    Path(name).replace(path)

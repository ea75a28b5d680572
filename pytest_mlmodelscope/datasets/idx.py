"""IDX files: the format of MNIST and its kin, gzipped or not."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.datasets._source import ASSET, path_of
from pytest_mlmodelscope.interfaces.dataset import Item

OPTIONS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["assets"],
    "properties": {
        "assets": {
            "description": "the names of the assets that hold the parts of the items",
            "type": "object",
            "additionalProperties": False,
            "required": ["inputs"],
            "properties": {
                "inputs": {**ASSET, "description": "the name of the asset with the pictures"},
                "labels": {**ASSET, "description": "the name of the asset with their labels"},
            },
        },
        "first": {"description": "how many items to read (default: all)", "type": "integer", "minimum": 1},
    },
}

_DTYPES: Final = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read(files: Mapping[str, Path], options: Mapping[str, Any]) -> Iterator[Item]:
    """One item for each index of the first axis, in order; labels are whole numbers, ids count from 0.

    Of more than ``first`` items only these.

    Raises:
        DocumentError: a file is not IDX, is cut short, or the two hold different numbers of items.
    """
    assets = options["assets"]
    inputs, first = _array(path_of(files, assets["inputs"])), options.get("first")
    if "labels" not in assets:
        return (Item(str(index), value) for index, value in enumerate(inputs[:first]))
    path = path_of(files, assets["labels"])
    labels = _array(path).tolist()
    if len(labels) != len(inputs):
        raise DocumentError(
            "has another number of items", where=shown_path(path), expected=len(inputs), got=len(labels)
        )
    pairs = zip(inputs[:first], labels[:first], strict=True)
    return (Item(str(index), value, label) for index, (value, label) in enumerate(pairs))


def _array(path: Path) -> NDArray[Any]:
    data = _unzipped(path)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _DTYPES or len(data) < 4 + 4 * data[3]:
        raise DocumentError("is not an IDX file", where=shown_path(path), got=data[:4].hex(" ") or "no bytes")
    dtype, axes = np.dtype(_DTYPES[data[2]]), data[3]
    shape = struct.unpack_from(f">{axes}I", data, 4)
    body = data[4 + 4 * axes :]
    expected = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if len(body) != expected:
        raise DocumentError("is cut short or too long", where=shown_path(path), expected=expected, got=len(body))
    return np.frombuffer(body, dtype).reshape(shape)


def _unzipped(path: Path) -> bytes:
    data = path.read_bytes()
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError) as error:
        raise DocumentError(f"is a broken gzip file: {error}", where=shown_path(path)) from None

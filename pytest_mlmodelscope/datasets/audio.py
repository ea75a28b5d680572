"""Recordings: 16-bit mono sound as frames of a fixed length, or whole."""

from __future__ import annotations

import wave
from collections.abc import Iterator, Mapping
from itertools import islice
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
    "required": ["asset", "rate"],
    "properties": {
        "asset": {**ASSET, "description": "the name of an asset that is a recording or a tree of them"},
        "glob": {"description": "which files of a tree (default: all)", "type": "string"},
        "format": {
            "description": "wav (default), or raw: 16-bit little-endian values and nothing else",
            "enum": ["wav", "raw"],
        },
        "rate": {"description": "samples a second; a wav file of another rate is refused", "type": "integer"},
        "frame": {
            "description": "samples in an item; what is left at the end is dropped (default: the whole recording)",
            "type": "integer",
            "minimum": 1,
        },
        "context": {
            "description": "samples before a frame that come with it, zeros before the first (default: 0)",
            "type": "integer",
            "minimum": 0,
        },
        "limit": {"description": "the largest number of items", "type": "integer", "minimum": 1},
    },
}

_FULL_SCALE: Final = 32768.0


def read(files: Mapping[str, Path], options: Mapping[str, Any]) -> Iterator[Item]:
    """Frames in time order, recording after recording: float32 [context + frame] in -1 to 1, no label.

    Raises:
        DocumentError: a file is no such recording.
    """
    return islice(_frames(path_of(files, options["asset"]), options), options.get("limit"))


def _frames(root: Path, options: Mapping[str, Any]) -> Iterator[Item]:
    for name, path in _recordings(root, options):
        sound = _raw(path) if options.get("format") == "raw" else _wav(path, options["rate"])
        for start, frame in framed(sound, options):
            yield Item(f"{name}@{start}", frame, None)


def framed(sound: NDArray[np.float32], options: Mapping[str, Any]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The frames of one recording in time order, each with the sample that it begins at: float32 [context + frame]."""
    frame, context = options.get("frame", len(sound)), options.get("context", 0)
    padded = np.concatenate([np.zeros(context, np.float32), sound])
    for index in range(len(sound) // max(1, frame)):
        start = index * frame
        yield start, padded[start : start + context + frame]


def _recordings(root: Path, options: Mapping[str, Any]) -> list[tuple[str, Path]]:
    if root.is_file():
        return [(options["asset"], root)]
    found = [path for path in root.glob(options.get("glob", "**/*")) if path.is_file()]
    if not found:
        raise DocumentError("no recording is there", where=shown_path(root), hint="look at `glob`")
    return sorted((path.relative_to(root).as_posix(), path) for path in found)


def _raw(path: Path) -> NDArray[np.float32]:
    data = path.read_bytes()
    if len(data) % 2:
        raise DocumentError("is not 16-bit sound: its length is odd", where=shown_path(path), got=f"{len(data)} bytes")
    return _scaled(data)


def _wav(path: Path, rate: int) -> NDArray[np.float32]:
    try:
        with wave.open(str(path), "rb") as file:
            form = (file.getnchannels(), 8 * file.getsampwidth(), file.getframerate())
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise DocumentError(f"is not a wav file: {error}", where=shown_path(path)) from None
    if form != (1, 16, rate):
        raise DocumentError(
            "is another kind of sound",
            where=shown_path(path),
            expected=f"1 channel, 16 bits, {rate} Hz",
            got="{} channels, {} bits, {} Hz".format(*form),
        )
    return _scaled(data)


def _scaled(data: bytes) -> NDArray[np.float32]:
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(_FULL_SCALE)

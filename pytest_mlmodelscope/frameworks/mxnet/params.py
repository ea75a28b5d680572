"""Whether a file of weights is whole, found by walking over it before MXNet believes what it says.

MXNet takes a length from the file and makes room for it: a damaged one can keep it busy for minutes.
"""

import os
import struct
from typing import Any

_LIST = 0x112
#: How arrays have begun since 0.12 and since 2017; in older files the number of axes is in this place.
_DENSE_OR_SPARSE, _SINCE_1_6, _OLDER = 0xF993FAC9, 0xF993FACA, 0xF993FAC8
#: Bytes of one figure, by MXNet's number of its type.
_SIZES = {0: 4, 1: 8, 2: 2, 3: 1, 4: 4, 5: 1, 6: 8, 7: 1, 8: 2, 9: 2, 10: 4, 11: 8, 12: 2}
_MOST_AXES = 32


def check_whole(path: str) -> None:
    """Raises ValueError when the file is not a whole list of arrays with their names."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        walk = _Walk(file, size)
        if size < 24 or walk.numbers("<Q") != (_LIST,):
            raise ValueError("the file of the weights is not one of MXNet")
        _, arrays = walk.numbers("<QQ")
        for _ in range(arrays):
            _array(walk)
        (names,) = walk.numbers("<Q")
        if names != arrays:
            raise ValueError("the weights in the file have no names")
        for _ in range(names):
            walk.skip(*walk.numbers("<Q"))


class _Walk:
    """Steps over a file, never over its end."""

    def __init__(self, file: "Any", size: int) -> None:
        self._file = file
        self._left = size

    def numbers(self, form: str) -> "tuple[int, ...]":
        length = struct.calcsize(form)
        self._step(length)
        return struct.unpack(form, self._file.read(length))

    def skip(self, length: int) -> None:
        self._step(length)
        self._file.seek(length, os.SEEK_CUR)

    def _step(self, length: int) -> None:
        self._left -= length
        if self._left < 0:
            raise ValueError("the file of the weights is cut off or damaged")


def _array(walk: _Walk) -> None:
    (magic,) = walk.numbers("<I")
    shape = _shape(walk, magic)
    if shape:
        _, _, kind = walk.numbers("<iii")
        if kind not in _SIZES:
            raise ValueError("the weights in the file are of a type that MXNet does not have")
        walk.skip(_product(shape) * _SIZES[kind])


def _shape(walk: _Walk, magic: int) -> "tuple[int, ...]":
    if magic in (_DENSE_OR_SPARSE, _SINCE_1_6) and walk.numbers("<i") != (0,):
        raise ValueError("the weights in the file are sparse")
    versioned = magic in (_DENSE_OR_SPARSE, _SINCE_1_6, _OLDER)
    (axes,) = walk.numbers("<i") if versioned else (magic,)
    if not 0 <= axes <= _MOST_AXES:
        raise ValueError("the file of the weights is damaged: an array has %d axes" % axes)
    shape = walk.numbers("<%d%s" % (axes, "q" if versioned else "I"))
    if any(length < 0 for length in shape):
        raise ValueError("the file of the weights is damaged: an array has the shape %s" % list(shape))
    return shape


def _product(shape: "tuple[int, ...]") -> int:
    count = 1
    for length in shape:
        count *= length
    return count

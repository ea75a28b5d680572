"""TFLite files: the tensors of their signature, or of their first graph.

The format is a FlatBuffer; of it the few tables that matter are read, each number within the file. Their fields are
those of ``schema.fbs`` (version 3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.importers._bounded import LARGEST, MANY, axes, whole
from pytest_mlmodelscope.interfaces.importer import Described, Tensor

_MARK: Final = b"TFL3"
_SUBGRAPHS, _SIGNATURES = 2, 7
_TENSORS, _INPUTS, _OUTPUTS = 0, 1, 2
_SHAPE, _TYPE, _NAME, _SHAPE_SIGNATURE = 0, 1, 3, 7
_DTYPES: Final = {
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    5: "string",
    6: "bool",
    7: "int16",
    9: "int8",
    10: "float64",
    12: "uint64",
    15: "uint32",
    16: "uint16",
}


def fits(path: Path, start: bytes) -> bool:
    """A file with the mark of the format."""
    return start[4:8] == _MARK


def read(path: Path) -> Described:
    """Names are those of the only signature, where there is one."""
    try:
        inputs, outputs = _read(_Table.root(whole(path, LARGEST)), path)
    except (struct.error, IndexError, UnicodeDecodeError, ValueError) as error:
        raise DocumentError("is no whole TFLite model", where=shown_path(path), got=str(error)[:200]) from None
    return Described(tuple(inputs), tuple(outputs), {"model": path}, {"litert": {}})


def _read(model: _Table, path: Path) -> tuple[list[Tensor], list[Tensor]]:
    graphs, signatures = list(model.tables(_SUBGRAPHS)), list(model.tables(_SIGNATURES))
    tensors = _Tensors(graphs[0], path)
    if len(signatures) == 1:
        return [[tensors.named(one) for one in signatures[0].tables(part)] for part in (0, 1)]  # type: ignore[return-value]
    return [[tensors.at(place) for place in graphs[0].numbers(part)] for part in (_INPUTS, _OUTPUTS)]  # type: ignore[return-value]


class _Tensors:
    """The tensors of one graph."""

    def __init__(self, graph: _Table, path: Path) -> None:
        self._graph, self._path = graph, path

    def named(self, entry: _Table) -> Tensor:
        """The tensor of an entry of a signature, under the name that it has there."""
        return self.at(entry.number(1, "I"), entry.text(0))

    def at(self, place: int, name: str | None = None) -> Tensor:
        """The tensor at a place."""
        about = self._graph.table(_TENSORS, place)
        lengths = about.numbers(_SHAPE_SIGNATURE) or about.numbers(_SHAPE)
        return Tensor(name or about.text(_NAME), _DTYPES.get(about.number(_TYPE, "b")), axes(lengths, self._path))


class _Table:
    """One table of a FlatBuffer; what lies outside the file raises struct.error."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at

    @classmethod
    def root(cls, data: bytes) -> _Table:
        return cls(data, struct.unpack_from("<I", data)[0])

    def _field(self, number: int) -> int:
        """Where a field lies; 0 for one that is not there."""
        (back,) = struct.unpack_from("<i", self._data, self._at)
        fields = self._at - back
        if fields < 0:
            raise ValueError("a table lies before the file")
        (size,) = struct.unpack_from("<H", self._data, fields)
        place = 4 + 2 * number
        if place + 2 > size:
            return 0
        (offset,) = struct.unpack_from("<H", self._data, fields + place)
        return self._at + offset if offset else 0

    def number(self, field: int, kind: str) -> int:
        at = self._field(field)
        return int(struct.unpack_from(f"<{kind}", self._data, at)[0]) if at else 0

    def _vector(self, field: int) -> tuple[int, int]:
        """Where the elements begin, and how many there are."""
        at = self._field(field)
        if not at:
            return 0, 0
        start = at + int(struct.unpack_from("<I", self._data, at)[0])
        return start + 4, int(struct.unpack_from("<I", self._data, start)[0])

    def numbers(self, field: int) -> list[int]:
        start, count = self._vector(field)
        return list(struct.unpack_from(f"<{_few(count)}i", self._data, start)) if count else []

    def text(self, field: int) -> str:
        start, count = self._vector(field)
        return self._data[start : start + min(count, 4096)].decode("utf-8")

    def tables(self, field: int) -> Iterator[_Table]:
        for place in range(_few(self._vector(field)[1])):
            yield self.table(field, place)

    def table(self, field: int, place: int) -> _Table:
        start, count = self._vector(field)
        if not 0 <= place < count:
            raise IndexError(f"there is no tensor {place}")
        at = start + 4 * place
        return _Table(self._data, at + int(struct.unpack_from("<I", self._data, at)[0]))


def _few(count: int) -> int:
    if count > MANY:
        raise ValueError(f"{count:,} inputs, outputs or axes are more than {MANY}")
    return count

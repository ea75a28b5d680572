"""The few messages of TensorFlow's protocol buffers that say what goes in and what comes out.

They are described here and read by protobuf itself, which refuses what is nested too deeply; whatever is not
described (weights, functions) is skipped. Field numbers are those of ``saved_model.proto``, ``meta_graph.proto``,
``graph.proto``, ``tensor_shape.proto`` and ``types.proto``.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.importers._bounded import LARGEST, axes, whole

#: Message -> field -> (number, type, repeated); a type is a scalar, or another of these messages.
_MESSAGES: Final = {
    "Dim": {"size": (1, "int64", False)},
    "Shape": {"dim": (2, "Dim", True), "unknown_rank": (3, "bool", False)},
    "TensorInfo": {"name": (1, "bytes", False), "dtype": (2, "int32", False), "shape": (3, "Shape", False)},
    "Named": {"key": (1, "bytes", False), "value": (2, "TensorInfo", False)},
    "Signature": {"inputs": (1, "Named", True), "outputs": (2, "Named", True), "method": (3, "bytes", False)},
    "NamedSignature": {"key": (1, "bytes", False), "value": (2, "Signature", False)},
    "MetaGraph": {"signatures": (5, "NamedSignature", True)},
    "SavedModel": {"meta_graphs": (2, "MetaGraph", True)},
    "Value": {"type": (6, "int32", False), "shape": (7, "Shape", False)},
    "Attribute": {"key": (1, "bytes", False), "value": (2, "Value", False)},
    "Node": {
        "name": (1, "bytes", False),
        "op": (2, "bytes", False),
        "input": (3, "bytes", True),
        "attributes": (5, "Attribute", True),
    },
    "Graph": {"node": (1, "Node", True)},
}
_SCALARS: Final = {"int64": 3, "int32": 5, "bool": 8, "bytes": 12}
_PACKAGE: Final = "pytest_mlmodelscope.importers"
_DTYPES: Final = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "string",
    9: "int64",
    10: "bool",
    17: "uint16",
    19: "float16",
    22: "uint32",
    23: "uint64",
}


def parsed(path: Path, message: str) -> Any:
    """The content of a file as one of the messages.

    Raises:
        DocumentError: it is none, or larger than a protocol buffer can be.
    """
    from google.protobuf.message import DecodeError

    try:
        return _classes()[f"{_PACKAGE}.{message}"].FromString(whole(path, LARGEST))
    except DecodeError as error:
        raise DocumentError("is no whole model of TensorFlow", where=shown_path(path), got=str(error)) from None


@functools.cache
def _classes() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="importers.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated) in fields.items():
            added = message.field.add(name=field, number=number, label=3 if repeated else 1)
            added.type = _SCALARS.get(kind, 11)
            if kind not in _SCALARS:
                added.type_name = f".{_PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = [f"{_PACKAGE}.{name}" for name in _MESSAGES]
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names}


def text(raw: bytes, path: Path) -> str:
    """A name.

    Raises:
        DocumentError: it is not UTF-8.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise DocumentError("has a name that is not UTF-8", where=shown_path(path), got=repr(raw[:40])) from None


def dtype(number: int) -> str | None:
    """The type as manifests spell it; None for one that they do not have."""
    return _DTYPES.get(number)


def shape(message: Any, path: Path) -> tuple[int | str, ...] | None:
    """The lengths of a ``Shape``; None where not even their number is known."""
    return None if message.unknown_rank else axes([dim.size for dim in message.dim], path)

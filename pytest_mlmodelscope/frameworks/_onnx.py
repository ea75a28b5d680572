"""What an ONNX file says of itself: how many trained values it holds, of which types, and where.

Only the few fields that matter are read, straight from the file: the ``onnx`` package would take
the whole model into memory, where it would count towards the peak that a claim may be about.
Field numbers are those of ``onnx.proto3``.
"""

import mmap
import os
from collections import Counter
from typing import Any

_GRAPH_OF_MODEL = 7
_NODE, _INITIALIZER = 1, 5
_OP_TYPE, _ATTRIBUTE = 4, 5
_TENSOR_OF_ATTRIBUTE, _GRAPH_OF_ATTRIBUTE, _GRAPHS_OF_ATTRIBUTE = 5, 6, 11
_DIMS, _DATA_TYPE, _EXTERNAL_DATA = 1, 2, 13
_KEY, _VALUE = 1, 2
_PRECISIONS = {1: "fp32", 10: "fp16", 11: "fp64", 16: "bf16"}
#: Texts, shapes and switches: nobody trained those.
_UNTRAINED = (7, 8, 9)
_INTEGER_OPS = ("QLinear", "DequantizeLinear", "MatMulInteger", "ConvInteger", "DynamicQuantize")


def survey(path: str) -> "tuple[int, str]":
    """The number of values in all initializers and constants, and the precision that most of them have.

    A model with quantised operators is ``int8``; one without any floating-point value ``fp32``.
    Raises ValueError for what is no model, and for weights in files outside the model's folder.
    """
    if not os.path.getsize(path):
        raise ValueError("the file is empty: it is no ONNX model")
    found = _Found()
    try:
        _model(path, found)
    except (IndexError, UnicodeDecodeError):
        raise ValueError("the file is cut off: it is no whole ONNX model") from None
    for place in found.places:
        _inside(place, os.path.dirname(os.path.realpath(path)))
    floats = {kind: count for kind, count in found.values.items() if kind in _PRECISIONS}
    most = _PRECISIONS[max(floats, key=lambda kind: floats[kind])] if floats else "fp32"
    trained = sum(count for kind, count in found.values.items() if kind not in _UNTRAINED)
    return trained, "int8" if found.quantised else most


class _Found:
    """What was seen so far: values by type, files with more of them, quantised operators."""

    def __init__(self) -> None:
        self.values = Counter()  # type: Counter[int]
        self.places = set()  # type: set[str]
        self.quantised = False


def _inside(place: str, folder: str) -> None:
    # Not every version of every runtime looks where such a path, or a link, leads.
    if os.path.commonpath([folder, os.path.realpath(os.path.join(folder, place))]) != folder:
        raise ValueError("the model wants weights from %s, outside its own folder" % place)


def _model(path: str, found: "_Found") -> None:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for number, start, end in _fields(data, 0, len(data)):
            if number == _GRAPH_OF_MODEL:
                if end < 0:
                    raise ValueError("the file is not an ONNX model")
                _graph(data, start, end, found)


def _graph(data: "Any", start: int, end: int, found: "_Found") -> None:
    for number, begin, stop in _fields(data, start, end):
        if number == _INITIALIZER:
            _tensor(data, begin, stop, found)
        elif number == _NODE:
            _node(data, begin, stop, found)


def _node(data: "Any", start: int, end: int, found: "_Found") -> None:
    for number, begin, stop in _fields(data, start, end):
        if number == _OP_TYPE:
            found.quantised |= _text(data, begin, stop).startswith(_INTEGER_OPS)
        elif number == _ATTRIBUTE:
            for inner, first, last in _fields(data, begin, stop):
                if inner in (_GRAPH_OF_ATTRIBUTE, _GRAPHS_OF_ATTRIBUTE):
                    _graph(data, first, last, found)
                elif inner == _TENSOR_OF_ATTRIBUTE:
                    _tensor(data, first, last, found)


def _tensor(data: "Any", start: int, end: int, found: "_Found") -> None:
    kind, size = 0, 1
    for number, begin, stop in _fields(data, start, end):
        if number == _DATA_TYPE:
            kind = begin
        elif number == _DIMS and stop < 0:
            size *= begin
        elif number == _DIMS:
            for length in _packed(data, begin, stop):
                size *= length
        elif number == _EXTERNAL_DATA:
            _external(data, begin, stop, found)
    # A single number is an exponent or an epsilon, not a weight.
    found.values[kind] += size if size > 1 else 0


def _external(data: "Any", start: int, end: int, found: "_Found") -> None:
    entry = {number: _text(data, begin, stop) for number, begin, stop in _fields(data, start, end) if stop >= 0}
    if entry.get(_KEY) == "location":
        found.places.add(entry.get(_VALUE, ""))


def _text(data: "Any", start: int, end: int) -> str:
    return bytes(data[start:end]).decode("utf-8")


def _packed(data: "Any", at: int, end: int) -> "Any":
    while at < end:
        value, at = _varint(data, at)
        yield value


def _fields(data: "Any", at: int, end: int) -> "Any":
    """Field number, start and end of each field; a plain number has its value and -1 instead."""
    while at < end:
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value, -1
        elif wire == 2:
            length, at = _varint(data, at)
            if at + length > end:
                raise ValueError("the file is cut off: it is no whole ONNX model")
            yield tag >> 3, at, at + length
            at += length
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise ValueError("the file is not an ONNX model")


def _varint(data: "Any", at: int) -> "tuple[int, int]":
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7

"""The wire between a host and a worker: a JSON header and raw bytes, never a pickle.

A message is ``MLMS``, the length of its header (unsigned, 4 bytes, little-endian), the header
(JSON), then the bytes of each tensor that the header's ``tensors`` lists, in that order:

- numbers: ``{"name", "dtype", "shape"}``, then the elements in C order, little-endian;
- text: ``{"name", "dtype": "string", "shape", "bytes"}``, then where each text ends (int64, in
  characters), then all texts joined, UTF-8, ``bytes`` long.

- numbers in memory that both sides share (``window``): ``at`` says where, and no bytes follow.

``missing`` beside them lists the elements that have no value (a model gave no answer for that
item): such a tensor is read as a list with None there. Text is read as a list of ``str``.
"""

import fcntl
import itertools
import json
import os
import select
import struct
import sys
from array import array
from typing import Any

MAX_HEADER = 16 * 1024 * 1024
MAX_TENSOR = 16 * 1024 * 1024 * 1024
PIPE_BYTES = 1024 * 1024
#: From this size on an array goes through shared memory, where there is some.
SHARED_BYTES = 64 * 1024
#: dtype -> how numpy writes it, without the byte order
NUMBERS = {
    "float16": "f2",
    "float32": "f4",
    "float64": "f8",
    "int8": "i1",
    "int16": "i2",
    "int32": "i4",
    "int64": "i8",
    "uint8": "u1",
    "uint16": "u2",
    "uint32": "u4",
    "uint64": "u8",
    "bool": "b1",
}
_NAMES = {order + code: name for name, code in NUMBERS.items() for order in "<>|="}
_PREFIX = struct.Struct("<4sI")
_MAGIC = b"MLMS"
_F_SETPIPE_SZ = 1031
_IOV_MAX = 1024


class WireError(Exception):
    """What came over the wire is not a message."""


def widen(pipe: int) -> None:
    """Let a pipe hold a whole picture, so that neither side waits for the other; where allowed."""
    try:
        fcntl.fcntl(pipe, _F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        return


def wait_forever(descriptor: int, events: int) -> None:
    """Wait until a descriptor can be read or written."""
    poll = select.poll()
    poll.register(descriptor, events)
    poll.poll()


def is_waiting(reader: int) -> bool:
    """Whether there is something to read, or the other side is gone."""
    return bool(select.select([reader], [], [], 0)[0])


def send(writer: int, buffers: "list[Any]", wait: "Any" = wait_forever) -> None:
    """Write what ``encode`` made to a descriptor that does not block; ``wait`` is called when it is full.

    Raises BrokenPipeError when the other side is gone.
    """
    views = [memoryview(buffer).cast("B") for buffer in buffers if len(buffer)]
    first = 0
    while first < len(views):
        try:
            sent = os.writev(writer, views[first : first + _IOV_MAX])
        except BlockingIOError:
            wait(writer, select.POLLOUT)
            continue
        while first < len(views) and sent >= len(views[first]):
            sent -= len(views[first])
            first += 1
        if sent:
            views[first] = views[first][sent:]


def receive(
    reader: int, wait: "Any" = wait_forever, window: "Any" = None
) -> "tuple[dict[str, Any], list[tuple[str, Any]]]":
    """The next message from a descriptor that does not block: its header, and its tensors by name.

    ``window`` is where tensors lie that did not come through the pipe; without one they are refused.
    Raises EOFError when the other side is gone, WireError when it sends anything else.
    """
    incoming = _Incoming(reader, wait, window)
    magic, length = _PREFIX.unpack(incoming.exactly(_PREFIX.size))
    if magic != _MAGIC or length > MAX_HEADER:
        raise WireError("something else than a message: %r" % bytes(magic))
    try:
        header = json.loads(incoming.exactly(length).decode("utf-8"))
        return header, [(entry["name"], incoming.tensor(entry)) for entry in header.get("tensors", ())]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WireError("a message that cannot be read: %s: %s" % (type(error).__name__, error)) from None


class _Incoming:
    """The bytes of one message, as they come."""

    def __init__(self, reader: int, wait: "Any", window: "Any") -> None:
        self._reader = reader
        self._wait = wait
        self._window = window

    def exactly(self, length: int) -> bytearray:
        buffer = bytearray(length)
        self._into(memoryview(buffer))
        return buffer

    def _into(self, view: memoryview) -> None:
        while len(view):
            try:
                got = os.readv(self._reader, [view])
            except BlockingIOError:
                self._wait(self._reader, select.POLLIN)
                continue
            if not got:
                raise EOFError("the other side is gone")
            view = view[got:]

    def tensor(self, entry: "dict[str, Any]") -> "Any":
        if entry["dtype"] == "string":
            return self._text(entry)
        if entry["dtype"] not in NUMBERS:
            raise WireError("a tensor of an unknown dtype")

        shape, dtype = tuple(_bounded(entry["shape"])), "<" + NUMBERS[entry["dtype"]]
        if "at" in entry:
            return self._shared(entry["at"], shape, dtype)
        values = _room(shape, dtype)
        if values.size:
            self._into(_bytes_of(values))
        return _with_gaps(values.tolist(), entry) if "missing" in entry else values

    def _shared(self, at: int, shape: "tuple[int, ...]", dtype: str) -> "Any":
        if self._window is None:
            raise WireError("a tensor in shared memory, and there is none")
        return self._window.array(at, shape, dtype)

    def _text(self, entry: "dict[str, Any]") -> "list[Any]":
        count = _product(_bounded(entry["shape"]))
        ends = array("q", bytes(self.exactly(8 * count)))
        if sys.byteorder == "big":
            ends.byteswap()
        joined = self.exactly(_bounded([entry["bytes"]])[0]).decode("utf-8", "surrogatepass")
        starts = itertools.chain((0,), ends)
        texts = _with_gaps([joined[start:end] for start, end in zip(starts, ends)], entry)
        return texts if len(entry["shape"]) == 1 else _folded(texts, entry["shape"])


#: The array of each kind that was filled last; few, since a model's inputs have few shapes.
_filled = {}  # type: dict[Any, Any]
_FILLED_KINDS = 8


def _count_only_ours() -> int:
    """How many references an array has that only ``_filled`` holds; not the same in every Python."""
    filled = {0: bytearray()}
    values = filled.get(0)
    return sys.getrefcount(values)


_ONLY_OURS = _count_only_ours()


def _room(shape: "tuple[int, ...]", dtype: str) -> "Any":
    """An array to fill: the last one of this kind when nobody holds it any more, else a new one.

    Memory fresh from the system costs more than filling it does (a page fault for every 4 KiB).
    """
    import numpy

    values = _filled.get((shape, dtype))
    if values is None or sys.getrefcount(values) > _ONLY_OURS:
        if len(_filled) >= _FILLED_KINDS:
            _filled.clear()
        values = _filled[shape, dtype] = numpy.empty(shape, dtype=dtype)
    return values


def _bytes_of(values: "Any") -> memoryview:
    return memoryview(values.reshape(-1).view("uint8"))


def _product(shape: "list[int]") -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _bounded(shape: "list[int]") -> "list[int]":
    if any(length < 0 for length in shape) or _product(shape) > MAX_TENSOR:
        raise WireError("a tensor of an impossible shape")
    return shape


def _with_gaps(values: "list[Any]", entry: "dict[str, Any]") -> "list[Any]":
    for index in entry.get("missing", ()):
        values[index] = None
    return values


def _folded(texts: "list[Any]", shape: "list[int]") -> "Any":
    import numpy

    return numpy.array(texts, dtype=object).reshape(shape).tolist()


def encode(header: "dict[str, Any]", tensors: "Any" = (), place: "Any" = None) -> "list[Any]":
    """A message as buffers for ``send``; nothing is sent when a value cannot travel.

    ``place`` puts the bytes of a large array where the other side can see them and says where, or
    None where there is no room.

    Raises TypeError for a value that is no array of numbers and no list of text or numbers.
    """
    entries = []
    payload = []  # type: list[Any]
    for name, value in tensors:
        entry, buffers = _encoded(name, value)
        if place is not None and len(buffers) == 1 and len(buffers[0]) >= SHARED_BYTES:
            entry, buffers = _placed(entry, buffers, place)
        entries.append(entry)
        payload += buffers
    raw = json.dumps(dict(header, tensors=entries)).encode("utf-8")
    if len(raw) > MAX_HEADER:
        raise TypeError("a message with a header of %d bytes is too long" % len(raw))
    return [_PREFIX.pack(_MAGIC, len(raw)), raw] + payload


def _placed(entry: "dict[str, Any]", buffers: "list[Any]", place: "Any") -> "tuple[dict[str, Any], list[Any]]":
    at = place(buffers[0])
    return (entry, buffers) if at is None else (dict(entry, at=at), [])


def _encoded(name: str, value: "Any") -> "tuple[dict[str, Any], list[Any]]":
    if hasattr(value, "dtype") and hasattr(value, "reshape"):
        return _array(name, value)
    if isinstance(value, (list, tuple)):
        return _list(name, value)
    raise TypeError("%s is of type %s, not an array or a list" % (name, type(value).__name__))


def _array(name: str, value: "Any") -> "tuple[dict[str, Any], list[Any]]":
    import numpy

    if value.dtype.kind == "U" or (value.dtype.kind == "O" and all(isinstance(item, str) for item in value.flat)):
        return _texts(name, value.reshape(-1).tolist(), list(value.shape), [])
    dtype = _NAMES.get(value.dtype.str)
    if dtype is None:
        raise TypeError("%s holds elements of type %s, which cannot travel" % (name, value.dtype))
    plain = numpy.ascontiguousarray(value, dtype=dtype if sys.byteorder == "little" else value.dtype.newbyteorder("<"))
    entry = {"name": name, "dtype": dtype, "shape": value.shape}
    return entry, [_bytes_of(plain)] if value.size else []


def _list(name: str, value: "Any") -> "tuple[dict[str, Any], list[Any]]":
    missing = [index for index, item in enumerate(value) if item is None] if None in value else []
    known = [item for item in value if item is not None] if missing else value
    kinds = set(map(type, known))
    if all(issubclass(kind, str) for kind in kinds):
        texts = ["" if item is None else item for item in value] if missing else value
        return _texts(name, texts, [len(value)], missing)
    return _numbers(name, value, kinds, missing)


def _numbers(name: str, value: "Any", kinds: "set[type]", missing: "list[int]") -> "tuple[dict[str, Any], list[Any]]":
    import numpy

    odd = [kind.__name__ for kind in kinds if not issubclass(kind, (int, float, numpy.number, numpy.bool_))]
    if odd:
        raise TypeError("%s is a list of %s, not of text or numbers" % (name, " and ".join(sorted(odd))))
    entry, buffers = _array(name, numpy.array([0 if item is None else item for item in value]))
    return dict(entry, missing=missing) if missing else entry, buffers


def _texts(name: str, texts: "Any", shape: "list[int]", missing: "list[int]") -> "tuple[dict[str, Any], list[Any]]":
    ends = array("q", itertools.accumulate(map(len, texts)))
    if sys.byteorder == "big":
        ends.byteswap()
    joined = "".join(texts).encode("utf-8", "surrogatepass")
    entry = {"name": name, "dtype": "string", "shape": shape, "bytes": len(joined)}
    return dict(entry, missing=missing) if missing else entry, [ends.tobytes(), joined]

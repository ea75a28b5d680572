"""What crosses the wire, and what does not."""

import json
import os
import struct

import numpy as np
import pytest

from pytest_mlmodelscope.worker import wire


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    wire.widen(writer)
    yield reader, writer
    os.close(reader)
    os.close(writer)


@pytest.fixture
def there(pipe):
    """Sends a message and reads it at the other end."""

    def send(tensors, header=None):
        wire.send(pipe[1], wire.encode(header or {}, tensors))
        return wire.receive(pipe[0])

    return send


@pytest.mark.parametrize("dtype", sorted(wire.NUMBERS))
def test_numbers_of_every_type_arrive_unchanged(there, dtype):
    values = np.arange(6).reshape(2, 3).astype(dtype)
    _, [(name, found)] = there([("x", values)])
    assert name == "x"
    assert found.dtype == values.dtype
    assert np.array_equal(found, values)


@pytest.mark.parametrize(
    "values",
    [
        np.float32(3).reshape(()),
        np.zeros((0, 4), dtype=np.int64),
        np.arange(24).reshape(2, 3, 4)[:, ::2, ::-1],
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(4, dtype=">i4"),
        np.array([np.nan, np.inf, -0.0]),
    ],
    ids=["scalar", "empty", "view", "fortran", "big-endian", "special"],
)
def test_shape_and_values_survive_any_layout(there, values):
    _, [(_, found)] = there([("x", values)])
    assert found.shape == values.shape
    assert np.array_equal(found, values, equal_nan=values.dtype.kind == "f")
    assert found.flags.writeable


@pytest.mark.parametrize(
    "texts",
    [[], [""], ["a", "", "bc"], ["ß", "日本", "🙂"], ["\ud800", "\udc00"], ["a\0b", "line\nbreak"]],
    ids=["none", "empty", "ascii", "wide", "surrogates", "control"],
)
def test_texts_arrive_unchanged(there, texts):
    _, [(_, found)] = there([("t", texts)])
    assert found == texts


def test_a_missing_answer_is_none_and_not_an_empty_one(there):
    _, [(_, texts), (_, numbers)] = there([("t", ["", None, "x"]), ("n", [0.0, None, float("nan")])])
    assert texts == ["", None, "x"]
    assert numbers[:2] == [0.0, None]
    assert numbers[2] != numbers[2]


def test_whole_numbers_stay_whole(there):
    _, [(_, found)] = there([("n", [1, 2, 2**40])])
    assert found.tolist() == [1, 2, 2**40]
    assert found.dtype == np.int64


def test_texts_of_several_axes_come_as_nested_lists(there):
    _, [(_, found)] = there([("t", np.array([["a", "b"], ["c", "d"]]))])
    assert found == [["a", "b"], ["c", "d"]]


def test_the_header_comes_along(there):
    header, _ = there([], {"op": "predict", "ß": [1, None]})
    assert header["op"] == "predict"
    assert header["ß"] == [1, None]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": 1}, "x is of type dict, not an array or a list"),
        (3.0, "x is of type float"),
        ([{}], "x is a list of dict, not of text or numbers"),
        (["a", 1], "x is a list of str, not of text or numbers"),
        (np.array([object()]), "elements of type object"),
        (np.array([1 + 2j]), "elements of type complex128"),
    ],
)
def test_what_cannot_travel_is_named_before_anything_is_sent(value, said):
    with pytest.raises(TypeError, match=said):
        wire.encode({}, [("x", value)])


def _raw(header, payload=b""):
    text = json.dumps(header).encode()
    return struct.pack("<4sI", b"MLMS", len(text)) + text + payload


@pytest.mark.parametrize(
    "junk",
    [
        b"Hello, world! This is a print.",
        struct.pack("<4sI", b"MLMS", 2**31),
        struct.pack("<4sI", b"MLMS", 4) + b"{]}\xff",
        _raw({"tensors": [{"name": "x", "dtype": "object", "shape": [1]}]}),
        _raw({"tensors": [{"name": "x", "dtype": "float32", "shape": [-1]}]}),
        _raw({"tensors": [{"name": "x", "dtype": "float32", "shape": [2**40]}]}),
        _raw({"tensors": [{"name": "x", "dtype": "float32"}]}),
        _raw({"tensors": [{"name": "x", "dtype": "string", "shape": [1], "bytes": 1}]}, b"\0" * 8 + b"\xff"),
        _raw([]),
    ],
    ids=["text", "long", "json", "dtype", "negative", "huge", "no-shape", "utf8", "list"],
)
def test_junk_is_an_error_and_never_an_object(pipe, junk):
    os.write(pipe[1], junk)
    with pytest.raises(wire.WireError):
        wire.receive(pipe[0])


def test_the_end_of_the_other_side_is_the_end_of_file():
    reader, writer = os.pipe()
    os.write(writer, _raw({})[:6])
    os.close(writer)
    with pytest.raises(EOFError):
        wire.receive(reader)
    os.close(reader)


def test_more_buffers_than_the_kernel_takes_at_once(there):
    tensors = [(str(number), np.array([number])) for number in range(3000)]
    _, found = there(tensors)
    assert [int(values[0]) for _, values in found] == list(range(3000))


def picture(there, value):
    _, ((_, array),) = there([("x", np.full((64, 64), value, dtype=np.float32))])
    return array


def test_an_array_that_somebody_holds_is_not_filled_again(there):
    held = picture(there, 1.0)
    part = picture(there, 2.0)[3:5]
    picture(there, 3.0)
    assert (held == 1.0).all()
    assert (part == 2.0).all()


def test_the_memory_of_an_array_that_nobody_holds_is_filled_again(there):
    first = picture(there, 1.0).__array_interface__["data"]
    assert picture(there, 2.0).__array_interface__["data"] == first

"""What must not be given to a model ends as a message, and does not fill the memory."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from pytest_mlmodelscope.core.errors import InputError
from pytest_mlmodelscope.library import content


def bomb() -> bytes:
    """A PNG of a few kB that says it has 40,000 x 40,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")
    )


def truncated() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)).save(file, "JPEG")
    return file.getvalue()[: len(file.getvalue()) // 2]


def promising() -> bytes:
    """A .npy file whose header promises a terabyte."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    return file.getvalue() + bytes(64)


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (bomb(), "too many pixels"),
        (truncated(), "truncated"),
        (POSTSCRIPT, "is not a picture"),
        (b"not a picture", "is not a picture"),
        (b"", "is empty"),
        ("no-such-file.jpg", "no such file"),
        (Path("no-such-file.jpg"), "no such file"),
        (Path("/dev/zero"), "no such file"),
        (Path("/"), "no such file"),
        (np.full((20, 20, 3), np.nan), "is not a picture"),
        (np.zeros((20, 20, 7), np.uint8), "is not a picture"),
        (np.zeros((0, 20, 3), np.uint8), "is empty"),
        (None, "not an array"),
        (object(), "not an array"),
        ({"picture": 1}, "not an array"),
        ([[1, 2], [3]], "is not an array"),
    ],
)
def test_what_is_no_picture(pictures, given, said):
    with pytest.raises(InputError) as raised:
        pictures.predict(given)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.full((28, 28), np.nan), "not a number"),
        (np.full((28, 28), np.inf), "not a number"),
        (np.full((28, 28), 1e300), "not a number"),
        (np.full((28, 28), 4000), "outside of what the model's manifest declares"),
        (np.zeros((28, 27)), "wrong shape"),
        (np.zeros(28), "the axes are not HW"),
        (np.zeros((10**4, 10**4)), "too large"),
        (np.array([["a"]]), "not an array of numbers"),
        ("[[1, 2], [3, NaN]]", "wrong shape"),
        ("[" * 10**5, "is not JSON"),
        ("", "is empty"),
        (promising(), "not a file of numbers"),
        (b"\x93NUMPY\x01\x00", ".npy"),
        (bomb(), "too many pixels"),
    ],
)
def test_what_are_no_numbers_of_a_model(clothes, given, said):
    with pytest.raises(InputError) as raised:
        clothes.predict(given)
    assert said in str(raised.value)


def test_a_picture_of_another_size_is_not_made_smaller_unasked(clothes, png):
    with pytest.raises(InputError) as raised:
        clothes.predict(png(np.zeros((40, 30), np.uint8)))
    assert "28 x 28 pixels" in str(raised.value)
    assert "30 x 40" in str(raised.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("x" * (content.MOST_TEXT + 1), "too long"),
        (b"\xff\xfe\xfd", "UTF-8"),
        ("\ud800", "half of a character"),
        (3, "is not a text"),
        (["a"], "is not a text"),
    ],
)
def test_what_is_no_text(sentiment, given, said):
    with pytest.raises(InputError) as raised:
        sentiment.predict(given)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"RIFF\x24\x00\x00\x00WAVE", "is not a wav file"),
        (np.zeros(10, np.float32), "too short"),
        (np.zeros((2, 576), np.float32), "not a recording"),
        (np.full(576, np.nan, np.float32), "not a number"),
        (b"ID3 is another kind of file", "is not JSON"),
    ],
)
def test_what_is_no_recording(speech, given, said):
    with pytest.raises(InputError) as raised:
        speech.predict(given)
    assert said in str(raised.value)


def test_a_file_that_is_too_large_is_not_read_to_its_end(sentiment, tmp_path):
    file = tmp_path / "sparse"
    with file.open("wb") as made:
        made.truncate(10 * 2**30)
    before = psutil.Process().memory_info().rss
    with pytest.raises(InputError, match="too large"):
        sentiment.predict(file)
    assert psutil.Process().memory_info().rss - before < 4 * content.MOST_BYTES


def test_a_pipe_is_no_file(sentiment, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="no such file"):
        sentiment.predict(tmp_path / "pipe")


def test_the_model_answers_the_next_input_as_if_nothing_had_been(clothes):
    good = np.zeros((28, 28), np.uint8)
    before = clothes.predict(good)
    with pytest.raises(InputError):
        clothes.predict(good, np.full((28, 28), np.nan))
    assert clothes.predict(good).answers == before.answers


def test_as_many_inputs_as_are_bearable(sentiment):
    with pytest.raises(InputError):
        sentiment.predict()
    with pytest.raises(InputError):
        sentiment.predict(*["fine"] * 1_001)
    assert len(sentiment.predict(*["fine"] * 1_000).answers) == 1_000

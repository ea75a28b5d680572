"""A photograph that its camera took on its side is looked at as people see it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pytest_mlmodelscope.core.manifest import Input
from pytest_mlmodelscope.library import pictures

#: What a camera writes, and how the pixels have to be turned (EXIF 2.3, 4.6.4).
ORIENTATION = 0x0112
TURNED = {3: lambda a: a[::-1, ::-1], 6: lambda a: np.rot90(a, -1), 8: np.rot90}
PIXELS = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def photograph(orientation: int) -> bytes:
    file, image = io.BytesIO(), Image.fromarray(PIXELS)
    exif = image.getexif()
    exif[ORIENTATION] = orientation
    image.save(file, "PNG", exif=exif)
    return file.getvalue()


def seen(held: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(held)))


@pytest.mark.parametrize("orientation", TURNED)
def test_it_is_turned_and_its_size_with_it(orientation):
    wanted = TURNED[orientation](PIXELS)
    assert (seen(pictures.encoded(photograph(orientation))) == wanted).all()
    assert pictures.size(photograph(orientation)) == (wanted.shape[1], wanted.shape[0])
    spec = Input("x", "uint8", (*wanted.shape,), "HWC")
    assert (pictures.pixels(photograph(orientation), spec) == wanted).all()


@pytest.mark.parametrize("orientation", [1, 0, 99])
def test_one_that_is_upright_or_says_nonsense_stays_as_it_is(orientation):
    held = photograph(orientation)
    assert pictures.encoded(held) == held
    assert pictures.size(held) == (6, 4)


def test_what_is_no_picture_has_no_size():
    assert pictures.size(b"no picture") is None

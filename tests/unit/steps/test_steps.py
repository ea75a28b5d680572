"""What steps refuse, and what their examples cannot show."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pytest_mlmodelscope.core.errors import DocumentError, UsageError
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.step import StepContext

NOTHING = StepContext({})


def made(name, options=None, files=None):
    return member("steps", name).make(options or {}, StepContext(files) if files else NOTHING)


def test_a_picture_is_decoded_from_a_path_as_from_its_bytes(tmp_path):
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    decode = made("decode")
    np.testing.assert_array_equal(decode(path), pixels)
    np.testing.assert_array_equal(decode(str(path)), decode(path.read_bytes()))


def test_a_palette_with_transparency_becomes_three_channels(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGBA", (2, 3), (10, 20, 30, 128)).save(path)
    assert made("decode")(path).shape == (3, 2, 3)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_what_is_no_picture_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(DocumentError, match="not a picture") as caught:
        made("decode")(path)
    assert caught.value.where.endswith("broken.png")


def test_a_truncated_picture_is_refused(tmp_path):
    path = tmp_path / "cut.jpg"
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(DocumentError, match="not a picture"):
        made("decode")(path)


@pytest.mark.parametrize("name", ["crop", "resize", "colour"])
def test_steps_for_pictures_refuse_what_has_other_axes(name):
    options = {"crop": {"size": 1}, "resize": {"size": 1}, "colour": {"from": "RGB", "to": "BGR"}}[name]
    with pytest.raises(UsageError, match="height, width and channels") as caught:
        made(name, options)(np.zeros((3, 3)))
    assert "decode" in caught.value.hint


@pytest.mark.parametrize("value", ["text", b"bytes", Path("x"), None])
def test_steps_for_numbers_refuse_what_is_none(value):
    with pytest.raises(UsageError, match="takes numbers"):
        made("scale", {"by": 2})(value)


def test_a_crop_larger_than_the_picture_is_refused():
    with pytest.raises(UsageError, match="smaller than the crop") as caught:
        made("crop", {"size": [4, 5]})(np.zeros((9, 4, 3)))
    assert caught.value.got == "9 x 4"


@pytest.mark.parametrize("size", [[2], [9, 9]])
def test_padding_does_not_cut_and_does_not_add_axes(size):
    with pytest.raises(UsageError, match="cannot be padded"):
        made("pad", {"size": size})(np.zeros(3))


def test_a_standard_deviation_of_0_is_refused_before_anything_runs():
    with pytest.raises(UsageError, match="is 0"):
        made("normalize", {"mean": 0, "std": [1, 0]})


def test_figures_for_other_channels_are_refused():
    normalize = made("normalize", {"mean": [1, 2, 3], "std": 1})
    with pytest.raises(UsageError, match="do not fit axis -1"):
        normalize(np.zeros((3, 4, 4)))


@pytest.mark.parametrize(("old", "new"), [("HWC", "HW"), ("HHC", "CHH"), ("HW", "HHW")])
def test_axes_that_do_not_fit_are_refused_before_anything_runs(old, new):
    with pytest.raises(UsageError, match="do not fit"):
        made("layout", {"from": old, "to": new})


def test_an_array_with_other_axes_is_refused():
    with pytest.raises(UsageError, match="not HWC"):
        made("layout", {"from": "HWC", "to": "CHW"})(np.zeros((2, 2)))


def test_ends_in_the_wrong_order_are_refused():
    with pytest.raises(UsageError, match="wrong order"):
        made("clip", {"low": 1, "high": 0})


def test_a_class_without_a_name_is_refused():
    labels = made("labels", {"names": ["a", "b"]})
    for number in (-1, 2):
        with pytest.raises(UsageError, match=f"class {number} has no name"):
            labels(number)


def test_labels_of_an_unknown_asset_offer_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="no asset") as caught:
        made("labels", {"asset": "lables"}, {"labels": tmp_path})
    assert caught.value.hint == 'did you mean "labels"?'


@pytest.mark.parametrize(
    ("content", "key", "says", "line"),
    [
        ('{"a":\n', "", "is not JSON", 2),
        ('{"names": []}', "names", "no list", None),
        ('{"names": ["a"]}', "nams", 'no key "nams"', None),
        ('{"names": ["a"]}', "names/0", 'no key "0"', None),
        ("3", "x", "no key", None),
    ],
)
def test_labels_that_are_not_there_are_refused_with_the_file(tmp_path, content, key, says, line):
    path = tmp_path / "config.json"
    path.write_text(content)
    options = {"asset": "config", **({"key": key} if key else {})}
    with pytest.raises(DocumentError, match=says) as caught:
        made("labels", options, {"config": path})
    assert caught.value.where.endswith(f"config.json:{line}" if line else "config.json")


@pytest.mark.parametrize(("at", "value"), [(3, [1]), ("a", {}), ("a", [1]), (["a", 0], {"a": None})])
def test_an_element_that_is_not_there_is_refused(at, value):
    with pytest.raises(UsageError, match="no such element"):
        made("select", {"at": at})(value)


def test_bytes_that_are_no_text_are_refused_unless_told_otherwise(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"caf\xe9")
    with pytest.raises(DocumentError, match="cannot be read as text"):
        made("read_text")(path)
    assert made("read_text", {"errors": "ignore"})(path) == "caf"
    assert made("read_text", {"encoding": "latin-1"})(path) == "café"


def test_a_tone_keeps_its_pitch_at_another_rate():
    seconds = np.arange(8000) / 8000
    tone = np.sin(2 * np.pi * 440 * seconds).astype(np.float32)
    found = made("resample", {"from": 8000, "to": 22050})(tone)
    assert found.dtype == np.float32
    assert found.shape == (22050,)
    spectrum = np.abs(np.fft.rfft(found))
    assert spectrum.argmax() == 440


def test_magika_s_window_is_what_its_own_documentation_says():
    """Its rule in other words: strip each block, cut, fill up; on files of every length around the edges."""
    window = made("byte_window", {"beginning": 8, "end": 8, "block": 16})
    generator = np.random.default_rng(1)
    for length in range(48):
        data = bytes(generator.choice(list(b" \n\tab\xff"), length).tolist())
        left, right = list(data[:16].lstrip()[:8]), list(data[max(0, length - 16) :].rstrip()[-8:])
        expected = left + [256] * (8 - len(left)) + [256] * (8 - len(right)) + right
        assert window(data).tolist() == expected


def test_text_that_is_a_number_is_cast_and_large_whole_numbers_stay_exact():
    cast = made("cast", {"dtype": "int64"})
    assert cast("9007199254740993") == 9007199254740993
    assert cast(["1", "2.9"]).tolist() == [1, 2]
    assert made("cast", {"dtype": "float32"})("2.5").shape == ()


@pytest.mark.parametrize("value", ["", "two", ["1", "x"], "1,5"])
def test_text_that_is_no_number_is_not_cast(value):
    with pytest.raises(UsageError, match="or text that is one"):
        made("cast", {"dtype": "float32"})(value)

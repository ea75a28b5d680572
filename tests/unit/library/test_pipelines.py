"""A pipeline of real models through the library: text is found in a picture, then read."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw, ImageFont

from pytest_mlmodelscope.core.errors import InputError
from pytest_mlmodelscope.library.loaded import load
from pytest_mlmodelscope.manifest.crops import cut, pixels_of


@pytest.fixture(scope="module")
def reader(shelf):
    """The pipeline that finds text and reads it."""
    with load("ppocr-v4", "onnxruntime", shelf=shelf) as model:
        yield model


def picture(*lines: str, angle: float = 0) -> bytes:
    """Lines of text, black on white, as PNG."""
    drawn = Image.new("RGB", (640, 60 + 70 * len(lines)), "white")
    for number, line in enumerate(lines):
        ImageDraw.Draw(drawn).text((40, 40 + 70 * number), line, "black", ImageFont.load_default(36))
    if angle:
        drawn = drawn.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    held = io.BytesIO()
    drawn.save(held, "PNG")
    return held.getvalue()


def test_text_in_a_picture_is_found_and_read(reader, tmp_path):
    file = tmp_path / "photo.png"
    file.write_bytes(picture("Boarding at 18:05", "Gate closes early"))
    assert reader.wants == "picture"
    answer = reader.predict(file).answers[0]
    assert answer.value == "Boarding at 18:05\nGate closes early"
    assert answer.parts["read"] == ["Boarding at 18:05", "Gate closes early"]
    assert [sorted(box) for box in answer.parts["find"]] == [["corners", "score"]] * 2


def test_a_line_that_lies_aslant_is_cut_out_upright(reader):
    asked = picture("Every line has a box", angle=12)
    answer = reader.predict(asked).answers[0]
    assert answer.value == "Every line has a box"
    (box,) = answer.parts["find"]
    upright = cut(pixels_of(asked), box)
    assert upright.shape[1] > 5 * upright.shape[0]


def test_a_picture_without_text_has_an_empty_answer(reader):
    found = reader.predict(picture(), picture("One line of text"), picture())
    assert [answer.value for answer in found.answers] == ["", "One line of text", ""]
    assert found.answers[0].parts == {"find": [], "read": []}


def test_its_stages_run_on_frameworks_of_their_own(shelf):
    with load("ppocr-v4", "find=onnxruntime+read=openvino", shelf=shelf) as mixed:
        found = mixed.predict(picture("Every stage at home"))
        assert (found.framework, found.value) == ("find=onnxruntime+read=openvino", "Every stage at home")
        of_each = mixed.version.split("+")
    assert len(of_each) == 2
    assert of_each[0] != of_each[1]


def test_what_is_no_picture_is_refused_before_any_stage_is_asked(reader):
    with pytest.raises(InputError, match="is not a picture"):
        reader.predict(b"no picture")
    assert reader.predict(picture("Still here")).value == "Still here"

"""The shipped suite over every built-in step; expected values by hand, by Pillow or by numpy."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.testing.steps import Example, StepTests

GENERATOR = np.random.default_rng(20_170_601)
PICTURE = GENERATOR.integers(0, 256, (11, 17, 3), np.uint8)
FLOATS = PICTURE.astype(np.float32)
SCORES = np.array([0.5, 2.0, -1.0, 2.0], np.float32)


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def resized(size, filtered):
    """By Pillow itself; ``size`` is height, width."""
    return np.array(Image.fromarray(PICTURE).resize((size[1], size[0]), filtered))


def float_resized(size, filtered):
    planes = [
        Image.fromarray(np.ascontiguousarray(FLOATS[..., c])).resize((size[1], size[0]), filtered) for c in range(3)
    ]
    return np.stack([np.array(plane) for plane in planes], 2)


class TestDecode(StepTests):
    step = "decode"
    grey = np.array(Image.fromarray(PICTURE).convert("L"))[..., None]
    examples = (
        Example({}, png(PICTURE), PICTURE),
        Example({"colour": "BGR"}, png(PICTURE), np.ascontiguousarray(PICTURE[..., ::-1])),
        Example({"colour": "L"}, png(PICTURE), grey),
        Example({"colour": "BGR"}, PICTURE, np.ascontiguousarray(PICTURE[..., ::-1])),
        Example({"colour": "L"}, PICTURE, grey),
        Example({"colour": "RGB"}, png(PICTURE[..., 0]), np.repeat(PICTURE[..., :1], 3, axis=2)),
    )
    refused = ({"colour": "CMYK"},)


class TestResize(StepTests):
    step = "resize"
    one = PICTURE[..., :1]
    examples = (
        Example({"size": [5, 6]}, PICTURE, resized((5, 6), Image.Resampling.BILINEAR)),
        Example({"size": [20, 30], "interpolation": "nearest"}, PICTURE, resized((20, 30), Image.Resampling.NEAREST)),
        # 11 x 17: the shorter side becomes 7, the longer one 17 * 7 / 11 = 10.8, cut.
        Example({"size": 7, "interpolation": "bicubic"}, PICTURE, resized((7, 10), Image.Resampling.BICUBIC)),
        Example({"size": [22, 22], "keep_aspect": True}, PICTURE, resized((14, 22), Image.Resampling.BILINEAR)),
        Example(
            {"size": [22, 22], "keep_aspect": True, "multiple": 8},
            PICTURE,
            resized((16, 24), Image.Resampling.BILINEAR),
        ),
        Example({"size": [4, 4], "interpolation": "lanczos"}, FLOATS, float_resized((4, 4), Image.Resampling.LANCZOS)),
        Example(
            {"size": [4, 5], "interpolation": "box"},
            one,
            np.array(Image.fromarray(one[..., 0]).resize((5, 4), Image.Resampling.BOX))[..., None],
        ),
    )
    refused = ({}, {"size": 0}, {"size": [1, 2, 3]}, {"size": 3, "interpolation": "linear"})


class TestCrop(StepTests):
    step = "crop"
    examples = (
        Example({"size": 5}, PICTURE, PICTURE[3:8, 6:11]),
        # A rest of 5 and of 13: halves are rounded to even, as torchvision does.
        Example({"size": [6, 4]}, PICTURE, PICTURE[2:8, 6:10]),
        Example({"size": [11, 17]}, PICTURE, PICTURE),
    )


class TestPad(StepTests):
    step = "pad"
    sound = np.array([1.0, 2.0], np.float32)
    examples = (
        Example({"size": [4], "keep": "start"}, sound, np.array([1, 2, 0, 0], np.float32)),
        Example({"size": [4], "keep": "end", "value": -1}, sound, np.array([-1, -1, 1, 2], np.float32)),
        Example({"size": [12, 20]}, PICTURE, np.pad(PICTURE, ((0, 1), (1, 2), (0, 0)))),
    )
    refused = ({"size": 4}, {"size": [4], "keep": "left"})


class TestCast(StepTests):
    step = "cast"
    values = np.array([-1.7, -0.5, 0.5, 1.5, 2.5, 300.2], np.float32)
    examples = (
        Example({"dtype": "int16"}, values, np.array([-1, 0, 0, 1, 2, 300], np.int16)),
        Example({"dtype": "int16", "rounding": "nearest"}, values, np.array([-2, 0, 0, 2, 2, 300], np.int16)),
        Example({"dtype": "uint8"}, values, np.array([0, 0, 0, 1, 2, 255], np.uint8)),
        Example({"dtype": "int8"}, np.array([-200, 7, 200]), np.array([-128, 7, 127], np.int8)),
        Example({"dtype": "int64"}, np.array([1e30, -1e30]), np.array([2**63 - 1, -(2**63)], np.int64)),
        Example({"dtype": "float32"}, PICTURE, FLOATS),
        Example({"dtype": "float64"}, [1, 2], np.array([1.0, 2.0])),
        Example({"dtype": "bool"}, np.array([0, 3]), np.array([False, True])),
    )
    refused = ({}, {"dtype": "float"}, {"dtype": "int8", "rounding": "up"})


class TestScale(StepTests):
    step = "scale"
    examples = (
        Example({"divide": 255}, PICTURE, FLOATS / np.float32(255)),
        Example({"by": 0.5}, np.array([3.0]), np.array([1.5])),
    )
    refused = ({}, {"by": 1, "divide": 1}, {"divide": 0})


class TestNormalize(StepTests):
    step = "normalize"
    mean, std = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    examples = (
        Example({"mean": 127, "std": 128}, PICTURE, (FLOATS - 127) / 128),
        Example(
            {"mean": list(mean), "std": list(std)},
            PICTURE,
            ((PICTURE.astype(np.float64) - mean) / std).astype(np.float32),
            1e-5,
        ),
        Example(
            {"mean": [1, 2], "std": 1, "axis": 0}, np.array([[1.0, 1.0], [2.0, 3.0]]), np.array([[0.0, 0], [0, 1]])
        ),
    )
    refused = ({"mean": 1}, {"mean": [], "std": 1})


class TestLayout(StepTests):
    step = "layout"
    examples = (
        Example({"from": "HWC", "to": "CHW"}, PICTURE, np.moveaxis(PICTURE, 2, 0)),
        Example({"from": "HW", "to": "NHWC"}, PICTURE[..., 0], PICTURE[None, ..., :1]),
        Example({"from": "HWC", "to": "HWC"}, PICTURE, PICTURE),
    )
    refused = ({"from": "HWC"}, {"from": "hwc", "to": "chw"})


class TestColour(StepTests):
    step = "colour"
    examples = (
        Example({"from": "RGB", "to": "BGR"}, PICTURE, np.stack([PICTURE[..., c] for c in (2, 1, 0)], 2)),
        Example({"from": "BGR", "to": "BGR"}, PICTURE, PICTURE),
    )


class TestFlatten(StepTests):
    step = "flatten"
    examples = (Example({}, np.array([[1, 2], [3, 4]]), np.array([1, 2, 3, 4])),)


class TestClip(StepTests):
    step = "clip"
    examples = (Example({"low": 0, "high": 1}, np.array([-1.0, 0.5, 9.0]), np.array([0.0, 0.5, 1.0])),)
    refused = ({"low": 0},)


class TestSlice(StepTests):
    step = "slice"
    examples = (
        Example({"start": 2}, SCORES, SCORES[2:]),
        Example({"stop": -1}, "abc", "ab"),
        Example({"start": -2, "stop": -1}, [1, 2, 3], [2]),
    )


class TestSelect(StepTests):
    step = "select"
    examples = (
        Example({"at": 1}, ["a", "b"], "b"),
        Example({"at": "score"}, {"score": 0.5}, 0.5),
        Example({"at": ["labels", -1]}, {"labels": ["x", "y"]}, "y"),
    )
    refused = ({}, {"at": []}, {"at": 1.5})


class TestSoftmax(StepTests):
    step = "softmax"
    examples = (
        Example({}, np.log(np.array([1.0, 2.0, 5.0])), np.array([0.125, 0.25, 0.625]), 1e-12),
        Example({}, np.array([1000.0, 1000.0], np.float32), np.array([0.5, 0.5], np.float32)),
        Example({}, np.zeros((2, 4)), np.full((2, 4), 0.25)),
    )


class TestArgmax(StepTests):
    step = "argmax"
    examples = (Example({}, SCORES, 1), Example({}, [[1, 9, 3]], 1))


class TestTopK(StepTests):
    step = "top_k"
    examples = (
        Example({"k": 3}, SCORES, [1, 3, 0]),
        Example({"k": 1}, np.array([3, 200, 5], np.uint8), [1]),
    )
    refused = ({}, {"k": 0})


class TestLabels(StepTests):
    step = "labels"
    examples = (
        Example({"names": ["cat", "dog"]}, 1, "dog"),
        Example({"names": ["cat", "dog"]}, [1, 0], ["dog", "cat"]),
        Example({"asset": "l"}, np.int64(1), "b", files={"l": b"a\r\nb\r\n\n"}),
        Example({"asset": "l"}, 0, "a", files={"l": b'["a", "b"]'}),
        Example({"asset": "l", "key": "model/names"}, 1, "b", files={"l": b'{"model": {"names": ["a", "b"]}}'}),
        Example({"asset": "l"}, 1, "py", files={"l": json.dumps({"Go": "go", "Python": "py"}).encode()}),
        Example({"asset": "l", "of_mapping": "keys"}, 1, "Python", files={"l": b'{"Go": "go", "Python": "py"}'}),
    )
    refused = ({}, {"names": []}, {"names": ["a"], "asset": "b"})


class TestMap(StepTests):
    step = "map"
    examples = (
        Example({"table": {"iw": "he"}}, "iw", "he"),
        Example({"table": {"iw": "he"}}, "en", "en"),
        Example({"table": {"iw": "he"}, "default": "none"}, "en", None),
        Example({"table": {"1": "one"}}, [1, 2], ["one", 2]),
    )
    refused = ({}, {"table": {}}, {"table": {"a": []}})


class TestThreshold(StepTests):
    step = "threshold"
    bands = ({"label": "speech", "at_least": 0.5}, {"label": "silence"})
    examples = (
        Example({"bands": list(bands)}, 0.5, "speech"),
        Example({"bands": list(bands)}, np.array([0.49], np.float32), "silence"),
    )
    refused = ({}, {"bands": [{"at_least": 1}]})


class TestLowercase(StepTests):
    step = "lowercase"
    examples = (Example({}, "ÄRGER", "ärger"),)


class TestTruncateText(StepTests):
    step = "truncate_text"
    examples = (
        Example({"characters": 3}, "naïve", "naï"),
        # The two bytes of the third character do not both fit.
        Example({"bytes": 3}, "naïve", "na"),
        Example({"bytes": 4}, "naïve", "naï"),
        Example({"bytes": 40}, "naïve", "naïve"),
    )
    refused = ({}, {"bytes": 1, "characters": 1})


class TestReadText(StepTests):
    step = "read_text"
    own = Path(__file__)
    examples = (
        Example({}, own, own.read_bytes().decode()),
        Example({"encoding": "latin-1"}, own, own.read_text("latin-1")),
    )


class TestReadBytes(StepTests):
    step = "read_bytes"
    examples = (Example({}, Path(__file__), Path(__file__).read_bytes()),)


class TestByteWindow(StepTests):
    step = "byte_window"
    options = (("beginning", 4), ("end", 3), ("block", 8))
    examples = (
        Example(dict(options), b"  abcdefghij \n", np.array([97, 98, 99, 100, 104, 105, 106], np.int32)),
        # A short file: filled up on the right of its beginning, on the left of its end.
        Example(dict(options), b" a\n", np.array([97, 10, 256, 256, 256, 32, 97], np.int32)),
        Example({**dict(options), "padding": -1}, b"", np.full(7, -1, np.int32)),
    )
    refused = ({"beginning": 1, "end": 1},)


class TestResample(StepTests):
    step = "resample"
    examples = (
        # A constant stays one away from the ends; a rate that is the same changes nothing.
        Example({"from": 8000, "to": 8000}, SCORES, SCORES),
        Example({"from": 16000, "to": 8000}, np.zeros(10, np.float32), np.zeros(5, np.float32)),
    )
    refused = ({"from": 0, "to": 1}, {"to": 8000})


class TestResizeWithoutAntialias(StepTests):
    """Rows of numbers, by hand; that OpenCV and TensorFlow give the same is tested where they are."""

    step = "resize"
    row = np.array([[[0.0], [8.0], [16.0], [24.0]]], np.float32)
    examples = (
        Example({"size": [1, 2], "sampling": "half_pixel"}, row, np.array([[[4.0], [20.0]]], np.float32)),
        Example({"size": [1, 2], "sampling": "asymmetric"}, row, np.array([[[0.0], [16.0]]], np.float32)),
        Example({"size": [1, 2], "sampling": "corners"}, row, np.array([[[0.0], [24.0]]], np.float32)),
        Example(
            {"size": [1, 2], "sampling": "half_pixel", "interpolation": "nearest"},
            row,
            np.array([[[8.0], [24.0]]], np.float32),
        ),
        Example(
            {"size": [1, 2], "sampling": "half_pixel", "interpolation": "box"},
            row.astype(np.uint8),
            np.array([[[4], [20]]], np.uint8),
        ),
        # With the sharpness of -0.75 the four neighbours have these shares where a pixel lies between two.
        Example(
            {"size": [1, 1], "sampling": "half_pixel", "interpolation": "bicubic"},
            np.array([[[0.0], [0.0], [1.0], [0.0]]], np.float32),
            np.array([[[0.59375]]], np.float32),
        ),
        Example(
            {"size": [1, 4], "sampling": "half_pixel", "interpolation": "lanczos"},
            row,
            row,
            tolerance=1e-5,
        ),
    )
    refused = ({"size": 3, "sampling": "opencv"},)


class TestOffset(StepTests):
    step = "offset"
    examples = (Example({"by": -1}, 5, 4), Example({"by": 2}, [0, 7], [2, 9]))
    refused = ({}, {"by": 0.5})


class TestFlip(StepTests):
    step = "flip"
    examples = (
        Example({"axis": -1}, PICTURE, np.ascontiguousarray(PICTURE[..., ::-1])),
        Example({"axis": 0}, SCORES, np.array([2.0, -1.0, 2.0, 0.5], np.float32)),
    )
    refused = ({},)


class TestReorder(StepTests):
    step = "reorder"
    examples = (
        Example({"order": [2, 0, 1, 3]}, SCORES, np.array([-1.0, 0.5, 2.0, 2.0], np.float32)),
        Example({"order": [1], "axis": 0}, np.array([[1, 2], [3, 4]]), np.array([[3, 4]])),
        Example({"order": [1, 0]}, ["a", "b"], ["b", "a"]),
    )
    refused = ({"order": []}, {"order": [-1]})


class TestReshape(StepTests):
    step = "reshape"
    examples = (Example({"shape": [2, -1]}, SCORES, np.array([[0.5, 2.0], [-1.0, 2.0]], np.float32)),)
    refused = ({"shape": [0]},)


class TestMean(StepTests):
    step = "mean"
    examples = (
        Example({"axis": 1}, np.array([[1, 3], [5, 7]]), np.array([2.0, 6.0], np.float32)),
        Example({"axis": 0, "keep": True}, np.array([[1.0, 3.0], [5.0, 7.0]]), np.array([[3.0, 5.0]])),
    )
    refused = ({},)


class TestFill(StepTests):
    step = "fill"
    gaps = np.array([np.nan, 2.0, np.nan], np.float32)
    examples = (
        Example({"value": -1}, gaps, np.array([-1.0, 2.0, -1.0], np.float32)),
        Example({"value": [7, 8, 9]}, gaps, np.array([7.0, 2.0, 9.0], np.float32)),
    )
    refused = ({}, {"value": "mean"})


class TestFitLength(StepTests):
    step = "fit_length"
    examples = (
        Example({"length": 2}, SCORES, SCORES[:2]),
        Example({"length": 2, "keep": "end"}, SCORES, SCORES[2:]),
        Example({"length": 6}, SCORES, np.array([0.5, 2.0, -1.0, 2.0, 0.0, 0.0], np.float32)),
    )
    refused = ({"length": 0},)


def one_region():
    """A map with one region of text, ten pixels high and forty wide, and one that is too small to be any."""
    likely = np.zeros((1, 1, 64, 128), np.float32)
    likely[..., 10:20, 20:60] = 1
    likely[..., 50, 100] = 1
    return likely


class TestTextBoxes(StepTests):
    step = "text_boxes"
    #: A region grows by a pixel to the left and upwards before it is looked at; sides go from middle to middle.
    left, top, right, bottom = 19 / 128, 9 / 64, 59 / 128, 19 / 64
    score = float(np.float32(400 / 451))
    #: 40 x 10 pixels: area x 2 / circumference.
    by = 40 * 10 * 2 / 100
    examples = (
        Example(
            {"grow": 0},
            one_region(),
            [{"corners": [[left, top], [right, top], [right, bottom], [left, bottom]], "score": score}],
            1e-6,
        ),
        Example(
            {"grow": 2, "most": 1},
            one_region()[0, 0],
            [
                {
                    "corners": [
                        [left - by / 128, top - by / 64],
                        [right + by / 128, top - by / 64],
                        [right + by / 128, bottom + by / 64],
                        [left - by / 128, bottom + by / 64],
                    ],
                    "score": score,
                }
            ],
            1e-6,
        ),
        Example({"score": 0.9}, one_region(), []),
        Example({"threshold": 1.0}, one_region(), []),
    )
    refused = ({"threshold": 2}, {"most": 0}, {"grow": -1})


def faces():
    """Planes of a picture of 80 x 40 pixels with three faces of 4 x 4 pixels: one with its middle at (30, 18), another
    a pixel right of it, and one at (66, 39) of which a row lies below the picture.
    """
    planes = np.zeros((1, 15, 10, 20), np.float32)
    for row, column, score, down, right in ((4, 7, 0.9, 0, 0), (4, 8, 0.6, 0, -0.75), (9, 16, 0.55, 0.25, 0)):
        planes[0, [0, 3, 4], row, column] = score, down, right  # the logs of height and width in places are 0
        planes[0, 5:9, row, column] = 1 / 4, 1 / 4, 1 / 4, 3 / 4  # how far down and right in the box both eyes are
    return planes


def face(left, top, score, bottom=4, corners=((0, 0), (4, 0), (4, 4), (0, 4))):
    """The box of a face at this place, with its eyes a pixel from its sides."""
    start, size = np.array([left, top]), np.array([80, 40])
    points = [(1, 1), (3, 1), (0, 0), (0, 0), (0, 0)]
    ends = np.array(corners).clip(None, (99, bottom))
    return {
        "corners": ((start + ends) / size).tolist(),
        "score": float(np.float32(score)),
        "points": ((start + np.array(points)) / size).tolist(),
    }


class TestFaceBoxes(StepTests):
    step = "face_boxes"
    sure, near, low = face(28, 16, 0.9), face(29, 16, 0.6), face(64, 37, 0.55, bottom=3)
    turned = face(28, 16, 0.9, corners=((4, 2), (0, 2), (0, -2), (4, -2)))
    examples = (
        Example({}, faces(), [sure, low]),
        Example({"most": 1}, faces()[0], [sure]),
        Example({"threshold": 0.95}, faces(), []),
        # 12 pixels in both boxes, 20 in either.
        Example({"overlap": 0.61}, faces(), [sure, near, low]),
        Example({"overlap": 0.59}, faces(), [sure, low]),
        Example(
            {"most": 1, "eyes": [[0.25, 0.5], [0.75, 0.5]]},
            faces(),
            [face(28, 16, 0.9, corners=((0, -1), (4, -1), (4, 3), (0, 3)))],
        ),
        # Upside down, where the eyes are wanted the other way round.
        Example({"most": 1, "eyes": [[0.75, 0.25], [0.25, 0.25]]}, faces(), [turned]),
    )
    refused = ({"threshold": 2}, {"eyes": [[0, 0]]}, {"eyes": [[0, 2], [0, 0]]}, {"most": 0})

    def test_it_decodes_as_the_models_authors_do(self):
        """Place by place, as their example (``prj-python/centerface.py``) has it."""
        planes = GENERATOR.normal(0, 0.5, (15, 12, 16)).astype(np.float32)
        planes[0] = GENERATOR.random((12, 16))
        found = member("steps", "face_boxes").make({"threshold": 0.7, "overlap": 1.0}, StepContext({}))(planes)
        expected = []
        for row, column in np.argwhere(planes[0] > 0.7):
            score, log_high, log_wide, down, right, *points = planes[:, row, column].astype(float)
            high, wide = np.exp(log_high) * 4, np.exp(log_wide) * 4
            left = min(max(0, (column + right + 0.5) * 4 - wide / 2), 64)
            top = min(max(0, (row + down + 0.5) * 4 - high / 2), 48)
            corner = [min(left + wide, 64) / 64, min(top + high, 48) / 48]
            places = [((points[2 * n + 1] * wide + left) / 64, (points[2 * n] * high + top) / 48) for n in range(5)]
            expected.append([score, left / 64, top / 48, *corner, *np.ravel(places)])
        told = [[box["score"], *box["corners"][0], *box["corners"][2], *np.ravel(box["points"])] for box in found]
        np.testing.assert_allclose(told, sorted(expected, reverse=True), rtol=1e-12)
        assert len(found) > 20


def scores_of(places, characters):
    """Scores that are largest at these places."""
    return np.eye(characters, dtype=np.float32)[list(places)] * 0.8 + 0.05


class TestCtc(StepTests):
    step = "ctc"
    examples = (
        Example({"characters": "ab"}, scores_of([0, 1, 1, 0, 1, 2, 2], 3), "aab"),
        Example({"characters": "ab"}, scores_of([0, 1, 1, 0, 1, 2, 2], 3)[None], "aab"),
        Example({"characters": "ab", "blank": "last"}, scores_of([0, 2, 0, 1], 3), "aab"),
        Example({"asset": "list", "space": True}, scores_of([1, 3, 2], 4), "a b", files={"list": b"a\nb\n"}),
        Example({"characters": "ab"}, scores_of([0, 0], 3), ""),
        Example({"characters": "ab", "confidence": 0.9}, scores_of([1, 2], 3), ""),
        Example({"characters": "ab", "confidence": 0.8}, scores_of([1, 2], 3), "ab"),
    )
    refused = ({}, {"characters": "ab", "asset": "list"}, {"characters": "a", "blank": "middle"})


class TestJoin(StepTests):
    step = "join"
    examples = (
        Example({}, ["a", "", None, "b"], "a b"),
        Example({"with": "\n"}, ["a", "b"], "a\nb"),
        Example({}, [], ""),
    )
    refused = ({"with": 1},)


class TestSplit(StepTests):
    step = "split"
    examples = (
        Example({}, " a  b\nc ", ["a", "b", "c"]),
        Example({"at": "\n"}, "a b\n\nc", ["a b", "c"]),
        Example({}, "", []),
    )
    refused = ({"at": ""},)


class TestStandardize(StepTests):
    step = "standardize"
    two = np.array([1.0, 3.0], np.float32)
    examples = (
        Example({}, two, np.array([-1.0, 1.0], np.float32)),
        Example({"to": "unit_range"}, two, np.array([0.0, 1.0], np.float32)),
        Example({"to": "unit_peak"}, -two, np.array([-1 / 3, -1.0], np.float32)),
        Example({"to": "unit_length"}, np.array([3.0, 4.0]), np.array([0.6, 0.8]), tolerance=1e-12),
        Example({"to": "zero_mean"}, two, np.array([-1.0, 1.0], np.float32)),
        Example({}, np.array([5.0, 5.0], np.float32), np.array([0.0, 0.0], np.float32)),
        Example({"axes": [0]}, np.array([[1.0, 10.0], [3.0, 30.0]]), np.array([[-1.0, -1.0], [1.0, 1.0]])),
    )
    refused = ({"to": "l2"},)


class TestGrey(StepTests):
    step = "grey"
    examples = (
        # Pillow's own conversion cuts where this one rounds.
        Example({}, PICTURE, np.array(Image.fromarray(PICTURE).convert("L"))[..., None], tolerance=1),
        Example(
            {"weights": "mean", "channels": 3}, FLOATS, FLOATS.mean(-1, keepdims=True).repeat(3, -1), tolerance=1e-3
        ),
    )
    refused = ({"channels": 2},)


class TestJpeg(StepTests):
    step = "jpeg"

    @staticmethod
    def compressed(quality):
        buffer = io.BytesIO()
        Image.fromarray(PICTURE).save(buffer, "JPEG", quality=quality)
        return np.array(Image.open(buffer))

    examples = (
        Example({}, PICTURE, compressed(75)),
        Example({"quality": 20}, PICTURE, compressed(20)),
    )
    refused = ({"quality": 0},)


class TestCleanText(StepTests):
    step = "clean_text"
    examples = (
        Example({"case": "upper"}, "Straße", "STRASSE"),
        Example({"accents": "drop"}, "Café Zürich, déjà", "Cafe Zurich, deja"),
        Example({"form": "NFD"}, "é", "e\u0301"),
        Example({"form": "NFKC"}, "ﬁ²", "fi2"),
        Example({"blanks": "strip"}, " a  b\n", "a  b"),
        Example({"blanks": "collapse"}, " a  b\n", "a b"),
        Example({"punctuation": "drop"}, "Well, 3-2!", "Well 32"),
    )
    refused = ({"accents": "keep"},)


SUITES = [value for value in globals().values() if isinstance(value, type) and issubclass(value, StepTests)]


def test_every_step_has_a_suite():
    covered = {suite.step for suite in SUITES if suite is not StepTests}
    assert covered == set(names("steps"))

"""The shipped suite over every built-in reader."""

import gzip
import io
import struct
import wave

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.testing.datasets import Broken, Example, ReaderTests


class TestTable(ReaderTests):
    reader = "table"
    plain = (("asset", "t"), ("columns", {"label": 0, "input": 1}))
    named = (("asset", "t"), ("separator", ","), ("header", True), ("quoting", "minimal"))
    examples = (
        # Line ends of either kind, none after the last line, an empty one between, a byte order mark.
        Example(
            {"t": "\ufeffen\tHello\r\n\nde\tGrüß \u0085 Gott".encode()},
            dict(plain),
            (Item("1", "Hello", "en"), Item("3", "Grüß \u0085 Gott", "de")),
        ),
        Example(
            {"t": b'a|"b"|1.5\nc|d|-2\n'},
            {
                "asset": "t",
                "separator": "|",
                "label_type": "number",
                "columns": {"id": 0, "input": 1, "label": 2},
            },
            (Item("a", '"b"', 1.5), Item("c", "d", -2.0)),
        ),
        Example(
            {"t": b'id,text,stars\n7,"one, ""two""\nthree",5\n8,four,4\n'},
            {**dict(named), "label_type": "integer", "columns": {"id": "id", "input": "text", "label": "stars"}},
            (Item("7", 'one, "two"\nthree', 5), Item("8", "four", 4)),
        ),
        Example(
            {"t": b"a\tb\ty\n1\t2.5\t0\n"},
            {"asset": "t", "header": True, "columns": {"label": "y", "input": ["b", "a"]}},
            (Item("2", ["2.5", "1"], "0"),),
        ),
        Example(
            {"t": b"1\t2\t3\n"},
            {"asset": "t", "columns": {"input": {"pair": [0, 2], "one": 1}}},
            (Item("1", {"pair": ["1", "3"], "one": "2"}, None),),
        ),
        Example(
            {"t": b"q,a\n why , because \n"},
            {**dict(named), "strip": True, "columns": {"input": {"question": "q", "answer": "a"}}},
            (Item("2", {"question": "why", "answer": "because"}),),
        ),
        Example(
            {"t": "café\tx\n".encode("latin-1")},
            {"asset": "t", "encoding": "latin-1", "columns": {"input": 0}},
            (Item("1", "café"),),
        ),
        Example(
            {"t": b"a\n\nb\n"},
            {"asset": "t", "skip_blank": False, "columns": {"input": 0}},
            (Item("1", "a"), Item("2", ""), Item("3", "b")),
        ),
    )
    broken = (
        Broken({"t": b"en\tHello\nde\n"}, dict(plain), "t", 2, "too few columns"),
        Broken({"t": b"en\tHello\nde\t\xff\n"}, dict(plain), "t", 2, "not utf-8"),
        Broken({"t": b"x\ta\n"}, {**dict(plain), "label_type": "number"}, "t", 1, "not a number"),
        Broken({"t": b"1\ta\n1.5\tb\n"}, {**dict(plain), "label_type": "integer"}, "t", 2, "not an integer"),
        Broken({"t": b"1\ta\n1\tb\n"}, {"asset": "t", "columns": {"id": 0, "input": 1}}, "t", 2, "given twice"),
        Broken({"t": b"a,b\n"}, {**dict(named), "columns": {"input": "c"}}, "t", 1, "no column"),
        Broken({"t": b'a\nx\n"y\n'}, {**dict(named), "columns": {"input": "a"}}, "t", 3, "not a table"),
    )
    refused = (
        {"asset": "t"},
        {"asset": "t", "columns": {}},
        {"asset": "t", "columns": {"input": -1}},
        {"asset": "t", "columns": {"input": 0}, "label_type": "float"},
    )


class TestUcr(ReaderTests):
    reader = "ucr"
    header = b"# a comment\n@problemName Toy\n@Data\n"
    examples = (
        Example(
            {"s": header + b"1,2.5,-3e-1:up\n\n4,?,6:down\n"},
            {"asset": "s"},
            (Item("0", np.array([1, 2.5, -0.3]), "up"), Item("1", np.array([4, np.nan, 6]), "down")),
        ),
        Example(
            {"s": b"1\t0.5\t0.25\n2\t1\t2\n"},
            {"asset": "s", "format": "tsv"},
            (Item("0", np.array([0.5, 0.25]), "1"), Item("1", np.array([1.0, 2.0]), "2")),
        ),
    )
    broken = (
        Broken({"s": b"1,2:a\n"}, {"asset": "s"}, "s", None, "no @data"),
        Broken({"s": header + b"1,2:a\n1,x:a\n"}, {"asset": "s"}, "s", 5, "not a series"),
        Broken({"s": header + b"1,2:3,4:a\n"}, {"asset": "s"}, "s", 4, "several series"),
        Broken({"s": header + b"1,2\n"}, {"asset": "s"}, "s", 4, "not a series"),
        Broken({"s": b"1\t2\n1\n"}, {"asset": "s", "format": "tsv"}, "s", 2, "not a series"),
    )
    refused = ({}, {"asset": "s", "format": "arff"})


class TestFiles(ReaderTests):
    reader = "files"
    tree = (("b/2.txt", b""), ("a/1.txt", b""), ("a/1.txt.output", b""), ("readme", b""))
    folder = r"^(?P<label>[^/]+)/(?!.*\.output$)"
    examples = (
        Example(
            {"t": dict(tree)},
            {"asset": "t", "pattern": folder},
            (Item("a/1.txt", "t/a/1.txt", "a"), Item("b/2.txt", "t/b/2.txt", "b")),
        ),
        Example(
            {"t": dict(tree)},
            {"asset": "t", "pattern": folder, "map": {"b": "Bash", "z": 1}},
            (Item("b/2.txt", "t/b/2.txt", "Bash"),),
        ),
        Example(
            {"t": {"p_00_243.jpg": b"", "p_01_7.jpg": b"", "other.png": b""}},
            {"asset": "t", "glob": "*.jpg", "pattern": r"_(?P<label>\d+)\.", "label_type": "integer"},
            (Item("p_00_243.jpg", "t/p_00_243.jpg", 243), Item("p_01_7.jpg", "t/p_01_7.jpg", 7)),
        ),
        Example(
            {"t": {"x y.png": b"", "z.png": b""}, "l": b"x y.png 12\n\n"},
            {"asset": "t", "labels": "l", "label_type": "integer"},
            (Item("x y.png", "t/x y.png", 12),),
        ),
        Example({"t": {"a": b""}}, {"asset": "t"}, (Item("a", "t/a"),)),
    )
    broken = (
        Broken({"t": {"a": b""}}, {"asset": "t", "glob": "*.jpg"}, "t", None, "no file"),
        Broken(
            {"t": {"a": b""}}, {"asset": "t", "pattern": "(?P<label>a)", "label_type": "number"}, "t", None, "label"
        ),
        Broken({"t": {"a": b""}, "l": b"a 1\nb\n"}, {"asset": "t", "labels": "l"}, "l", 2, "a path and a label"),
    )
    refused = ({}, {"asset": "t", "map": {}}, {"asset": "t", "pattern": "(?P<label>.)", "labels": "l"})


def sound(values, rate=8000, channels=1, width=2):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(np.array(values, "<i2").tobytes())
    return buffer.getvalue()


def wav(values):
    return np.array(values, np.float32) / 32768


class TestAudio(ReaderTests):
    reader = "audio"
    examples = (
        Example({"r": sound([1, -2, 32767])}, {"asset": "r", "rate": 8000}, (Item("r@0", wav([1, -2, 32767])),)),
        # Five samples are two frames of two, each with the sample before it; the fifth is dropped.
        Example(
            {"r": {"b.wav": sound([1, 2, 3, 4, 5]), "a.wav": sound([-9, -8])}},
            {"asset": "r", "rate": 8000, "frame": 2, "context": 1},
            (
                Item("a.wav@0", wav([0, -9, -8])),
                Item("b.wav@0", wav([0, 1, 2])),
                Item("b.wav@2", wav([2, 3, 4])),
            ),
        ),
        Example(
            {"r": np.array([-32768, 0, 3, 4], "<i2").tobytes()},
            {"asset": "r", "rate": 8000, "format": "raw", "frame": 1, "limit": 2},
            (Item("r@0", wav([-32768])), Item("r@1", wav([0]))),
        ),
        Example(
            {"r": {"a.wav": sound([1]), "notes.txt": b""}},
            {"asset": "r", "rate": 8000, "glob": "*.wav"},
            (Item("a.wav@0", wav([1])),),
        ),
    )
    broken = (
        Broken({"r": b"RIFF"}, {"asset": "r", "rate": 8000}, "r", None, "not a wav"),
        Broken({"r": b"OggS" + b"\0" * 60}, {"asset": "r", "rate": 8000}, "r", None, "not a wav"),
        Broken({"r": sound([1], rate=16000)}, {"asset": "r", "rate": 8000}, "r", None, "another kind"),
        Broken({"r": sound([1, 2], channels=2)}, {"asset": "r", "rate": 8000}, "r", None, "another kind"),
        Broken({"r": b"\0\0\0"}, {"asset": "r", "rate": 8000, "format": "raw"}, "r", None, "odd"),
        Broken({"r": {"a": b""}}, {"asset": "r", "rate": 8000, "glob": "*.wav"}, "r", None, "no recording"),
    )
    refused = ({"asset": "r"}, {"asset": "r", "rate": 8000, "frame": 0})


def idx(code, shape, body):
    return struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape) + body


class TestIdx(ReaderTests):
    reader = "idx"
    pictures = idx(0x08, (2, 1, 2), bytes([1, 2, 3, 4]))
    labels = idx(0x08, (2,), bytes([7, 9]))
    both = (("assets", {"inputs": "x", "labels": "y"}),)
    examples = (
        Example(
            {"x": pictures, "y": gzip.compress(labels)},
            dict(both),
            (Item("0", np.array([[1, 2]], np.uint8), 7), Item("1", np.array([[3, 4]], np.uint8), 9)),
        ),
        Example(
            {"x": idx(0x0B, (1, 2), struct.pack(">2h", -1, 300))},
            {"assets": {"inputs": "x"}},
            (Item("0", np.array([-1, 300], ">i2")),),
        ),
        Example(
            {"x": pictures, "y": labels}, {**dict(both), "first": 1}, (Item("0", np.array([[1, 2]], np.uint8), 7),)
        ),
        Example({"x": pictures}, {"assets": {"inputs": "x"}, "first": 1}, (Item("0", np.array([[1, 2]], np.uint8)),)),
    )
    broken = (
        Broken({"x": b"", "y": labels}, dict(both), "x", None, "not an IDX"),
        Broken({"x": pictures, "y": b"\1\2\3\4"}, dict(both), "y", None, "not an IDX"),
        Broken({"x": pictures[:-1], "y": labels}, dict(both), "x", None, "cut short"),
        Broken({"x": pictures, "y": idx(8, (1,), b"\1")}, dict(both), "y", None, "another number"),
        Broken({"x": gzip.compress(pictures)[:-9], "y": labels}, dict(both), "x", None, "broken gzip"),
        Broken({"x": idx(0x08, (2, 1, 2), b""), "y": labels}, dict(both), "x", None, "cut short"),
    )
    refused = ({}, {"assets": {"labels": "y"}}, {**dict(both), "first": 0})


TWO_LINES = "One line\nand another"
FONT = ImageFont.load_default(20).font_bytes


def drawn(text, size, box):
    """By Pillow, at a margin of the letters' size; ``box`` is width, height, and where the text begins."""
    letters = ImageFont.truetype(io.BytesIO(FONT), size, layout_engine=ImageFont.Layout.BASIC)
    picture = Image.new("RGB", box[:2], "white")
    ImageDraw.Draw(picture).multiline_text(box[2:], text, "black", letters)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def box_of(text, size):
    letters = ImageFont.truetype(io.BytesIO(FONT), size, layout_engine=ImageFont.Layout.BASIC)
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, letters)
    return round(right - left) + 2 * size, round(bottom - top) + 2 * size, size - left, size - top


class TestDrawnText(ReaderTests):
    reader = "drawn_text"
    examples = (
        Example(
            {"t": b"One line\nand another \n\n  \nLast", "f": FONT},
            {"asset": "t", "font": "f", "size": 20},
            (
                Item(
                    "1",
                    drawn("One line\nand another", 20, box_of("One line\nand another", 20)),
                    "One line\nand another",
                ),
                Item("2", drawn("Last", 20, box_of("Last", 20)), "Last"),
            ),
        ),
    )
    broken = (
        Broken({"t": b" \n\n", "f": FONT}, {"asset": "t", "font": "f"}, "t"),
        Broken({"t": b"a", "f": b"no font"}, {"asset": "t", "font": "f"}, "f"),
    )
    refused = ({"asset": "t"}, {"asset": "t", "font": "f", "size": 0})


SUITES = [value for value in globals().values() if isinstance(value, type) and issubclass(value, ReaderTests)]


def test_every_reader_has_a_suite():
    covered = {suite.reader for suite in SUITES if suite is not ReaderTests}
    assert covered == set(names("datasets"))

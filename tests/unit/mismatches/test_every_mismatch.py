"""The shipped suite over every built-in mismatch: a mistake, and what would be right."""

import numpy as np
import pytest

from pytest_mlmodelscope.core.manifest import Split, Step
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.interfaces.mismatch import Setup
from pytest_mlmodelscope.testing.mismatches import Example, MismatchTests

DRAW = np.random.default_rng(20_170_601)
PICTURES = [DRAW.integers(0, 256, (20, 30, 3), np.uint8) for _ in range(4)]
GREY = [DRAW.integers(0, 256, (12, 12), np.uint8) for _ in range(4)]
ROWS = [DRAW.normal(5, 2, 6) for _ in range(16)]
SOUND = [DRAW.normal(0, 0.2, 800).astype(np.float32) for _ in range(4)]
TEXTS = ["Ein Café, in Zürich.", "Two  words", "x" * 300]


def step(name, **options):
    return Step(name, {key.rstrip("_"): value for key, value in options.items()})


ARGMAX = step("argmax")
CLASSES = {"labels": [0, 1, 2, 3], "predictions": [1, 2, 3, 0], "scores": np.zeros((4, 4), np.float32)}
PLANTED = {
    "background_class": (
        Example(GREY, after=(ARGMAX,), right_after=(step("slice", start=1), ARGMAX)),
        Example(GREY, after=(step("slice", stop=-1), ARGMAX), right_after=(ARGMAX,)),
    ),
    "colour_order": (
        Example(PICTURES, (), (step("flip", axis=-1),)),
        Example(["a.png"], (step("decode", colour="BGR"),), (step("decode", colour="RGB"),)),
        Example(PICTURES, (step("colour", from_="RGB", to="BGR"),), ()),
    ),
    "column_order": (
        Example(ROWS, (), (step("reorder", order=[1, 0, 2, 3, 4, 5]),), task="tabular"),
        Example(ROWS, (step("reorder", order=[5, 4, 3, 2, 1, 0]),), (), task="tabular"),
        Example(
            [["1", "2"]],
            (step("cast", dtype="float32"),),
            task="tabular",
            split=Split("test", 1, "table", {"header": True, "columns": {"input": ["a", "b"]}}),
            right_split=Split("test", 1, "table", {"header": True, "columns": {"input": ["b", "a"]}}),
            columns=("b", "a", "label"),
        ),
    ),
    "compression": (Example(PICTURES, (), (step("jpeg", quality=75),)), Example(PICTURES, (step("jpeg"),), ())),
    "crop_ratio": (
        Example(PICTURES, (step("resize", size=[8, 8]),), (step("resize", size=8), step("crop", size=[8, 8]))),
        Example(PICTURES, (step("resize", size=9), step("crop", size=8)), (step("resize", size=[8, 8]),)),
    ),
    "encoding": (
        Example(
            ["a.txt"], (step("read_text"),), (step("read_text", encoding="cp1252", errors="replace"),), dtype="string"
        ),
        Example(
            TEXTS,
            dtype="string",
            split=Split("test", 3, "table", {"encoding": "latin-1"}),
            right_split=Split("test", 3, "table", {"encoding": "utf-8"}),
        ),
    ),
    "feature_scaling": (
        Example(ROWS, (), (step("standardize", to="unit_variance"),), task="tabular", dtype="float64"),
        Example(ROWS, (step("normalize", mean=1, std=2),), (), task="tabular", dtype="float64"),
    ),
    "grey_conversion": (
        Example(PICTURES, (), (step("grey", channels=3),)),
        Example(PICTURES, (step("grey", channels=3),), ()),
        Example(["a.png"], (step("decode", colour="L"),), (step("decode", colour="RGB"), step("grey", weights="mean"))),
    ),
    "guesses": (
        Example(GREY, after=(step("top_k", k=5),), metric="top_k_accuracy", options={"k": 5}, right_options={"k": 1}),
        Example(GREY, metric="f1", options={"average": "macro"}, right_options={"average": "weighted"}),
    ),
    "interpolation": (
        Example(PICTURES, (step("resize", size=8),), (step("resize", size=8, interpolation="bicubic"),)),
        Example(
            PICTURES,
            (step("resize", size=8),),
            (step("resize", size=8, interpolation="bilinear", sampling="half_pixel"),),
        ),
    ),
    "label_map": (
        Example(
            GREY,
            after=(ARGMAX, step("labels", names=["b", "a"])),
            right_after=(ARGMAX, step("labels", names=["a", "b"])),
        ),
        Example(
            GREY,
            after=(ARGMAX,),
            right_after=(ARGMAX, step("map", table={"0": 1, "1": 2, "2": 0})),
            labels=[1, 2, 0] * 10,
            predictions=[0, 1, 2] * 10,
        ),
    ),
    "label_offset": (
        Example(GREY, after=(ARGMAX,), right_after=(ARGMAX, step("offset", by=-1)), **CLASSES),
        Example(GREY, after=(ARGMAX, step("offset", by=1)), right_after=(ARGMAX,), **CLASSES),
    ),
    "layout": (
        Example(
            PICTURES,
            (step("flatten"),),
            (step("layout", from_="ABC", to="CAB"), step("flatten")),
        ),
    ),
    "mean_std": (
        Example(PICTURES, (step("normalize", mean=0.5, std=0.5),), ()),
        Example(
            PICTURES,
            (step("scale", divide=255), step("normalize", mean=[0.1, 0.2, 0.3], std=[1, 2, 3])),
            (step("scale", divide=255), step("normalize", mean=[0.3, 0.2, 0.1], std=[3, 2, 1])),
        ),
    ),
    "missing_values": (
        Example(
            [np.array([1.0, np.nan, 3.0]), np.array([4.0, 5.0, 6.0])],
            (),
            (step("fill", value=0),),
            task="tabular",
            dtype="float64",
        ),
    ),
    "mono": (Example([DRAW.normal(0, 1, (100, 2))], (step("select", at=0),), (step("mean", axis=1),), task="audio"),),
    "orientation": (
        Example(GREY, (), (step("layout", from_="HW", to="WH"),)),
        Example(PICTURES, (step("layout", from_="HWC", to="CWH"),), (step("layout", from_="HWC", to="CHW"),)),
        Example(GREY, (), (step("flip", axis=0),)),
    ),
    "padding": (
        Example(GREY, (step("pad", size=[16, 16]),), (step("pad", size=[16, 16], keep="start"),)),
        Example(
            [b"abc"],
            (step("byte_window", beginning=4, end=0, block=8),),
            (step("byte_window", beginning=0, end=4, block=8),),
        ),
    ),
    "polarity": (
        Example(GREY, (), (step("normalize", mean=255.0, std=-1),)),
        Example(GREY, (step("normalize", mean=255, std=-1),), ()),
    ),
    "rounding": (
        Example(GREY, (step("cast", dtype="uint8"),), ()),
        Example(ROWS, (), (step("cast", dtype="float16"), step("cast", dtype="float32"))),
    ),
    "sample_rate": (
        Example(SOUND, (step("resample", from_=16000, to=8000),), (), task="audio_classification"),
        Example(
            SOUND,
            (),
            (step("resample", from_=16000, to=8000), step("fit_length", length=800)),
            task="speech",
            split=Split("test", 4, "audio", {"rate": 16000}),
        ),
    ),
    "scale": (
        Example(GREY, (), (step("scale", divide=255.0),)),
        Example(GREY, (step("scale", divide=255), step("scale", divide=255)), (step("scale", divide=255),)),
    ),
    "score_order": (
        Example(GREY, after=(ARGMAX,), right_after=(step("scale", by=-1), ARGMAX)),
        Example(
            GREY,
            after=(step("threshold", bands=[{"label": "a", "below": 0.5}, {"label": "b", "at_least": 0.5}]),),
            right_after=(step("threshold", bands=[{"label": "b", "below": 0.5}, {"label": "a", "at_least": 0.5}]),),
        ),
    ),
    "split": (
        Example(
            GREY,
            split=Split("train", 4, "idx"),
            others={"test": Split("test", 4, "idx")},
            right_split=Split("test", 4, "idx"),
        ),
    ),
    "step_order": (
        Example(
            GREY,
            (step("scale", divide=255), step("flatten")),
            (step("flatten"), step("scale", divide=255)),
        ),
    ),
    "text_form": (
        Example(TEXTS, (step("lowercase"),), (), dtype="string", task="text"),
        Example(TEXTS, (), (step("clean_text", accents="drop"),), dtype="string", task="text"),
    ),
    "text_length": (
        Example(TEXTS, (step("truncate_text", characters=9),), (), dtype="string", task="text"),
        Example(TEXTS, (), (step("truncate_text", characters=100),), dtype="string", task="text"),
    ),
}


@pytest.mark.parametrize("name", names("mismatches"))
def test_every_mismatch_keeps_the_promises(name):
    class Suite(MismatchTests):
        mismatch = name
        planted = PLANTED[name]

    for rule in (rule for rule in dir(MismatchTests) if rule.startswith("test_")):
        getattr(Suite(), rule)()


def test_a_mismatch_that_breaks_a_promise_is_found():
    class Broken:
        """Is mistaken."""

        TITLE, USUAL = "nothing", 0.5

        @staticmethod
        def variants(setup, sight):
            yield from ()

    class Suite(MismatchTests):
        mismatch = Broken
        planted = PLANTED["scale"]

    with pytest.raises(AssertionError, match="none of its variants undoes it"):
        Suite().test_the_right_setup_is_among_its_variants()


def test_no_mismatch_fails_on_data_of_another_kind():
    """Texts, sound, tables and pictures: each mismatch is asked about each."""
    kinds = [
        Example(values, dtype=dtype)
        for values, dtype in ((TEXTS, "string"), (SOUND, "float32"), (ROWS, "float64"), (PICTURES, "uint8"))
    ]
    for name in names("mismatches"):
        for example in kinds:
            assert all(isinstance(one.setup, Setup) for one in MismatchTests.variants(_suite(name), example))


def _suite(name):
    suite = MismatchTests()
    suite.module = lambda: member("mismatches", name)
    return suite

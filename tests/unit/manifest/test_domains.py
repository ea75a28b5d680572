"""Domains of inputs: what a manifest may declare, and when the tensors of two frameworks are the same."""

import dataclasses

import numpy as np
import pytest

from pytest_mlmodelscope.core.document import parse_document
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.core.manifest import Domain, Input, Step
from pytest_mlmodelscope.core.schema import check
from pytest_mlmodelscope.manifest.domains import drawable, inherited
from pytest_mlmodelscope.manifest.load import load_model
from pytest_mlmodelscope.manifest.translation import translation

HEAD = """\
schema: model/1
name: m
version: "1"
task: test
license: MIT
description: Declared only.
frameworks: {python: {entry: "a:b"}}
inputs:
"""


@pytest.fixture
def declared(tmp_path):
    """The inputs of a manifest, and its digest."""

    def read(line):
        path = tmp_path / "m.yml"
        path.write_text(f"{HEAD}  - {line}\n")
        return load_model(path)

    return read


def test_numbers_and_axes(declared):
    line = "{name: x, dtype: float32, shape: [batch, time], domain: {low: 0, high: 1, axes: {time: [1, 50]}}}"
    assert declared(line).inputs[0].domain == Domain(0, 1, axes={"time": (1, 50)})


def test_texts(declared):
    line = "{name: x, dtype: string, shape: [batch], domain: {alphabet: ab, max_length: 5}}"
    assert declared(line).inputs[0].domain == Domain(alphabet="ab", max_length=5)


def test_a_domain_is_no_part_of_what_the_model_is(declared):
    with_one = declared("{name: x, dtype: float32, shape: [batch, 4], domain: {low: 0, high: 1}}")
    without = declared("{name: x, dtype: float32, shape: [batch, 4]}")
    assert with_one.digest == without.digest
    assert with_one.digest != declared("{name: x, dtype: float64, shape: [batch, 4]}").digest


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("dtype: float32, shape: [2], domain: {low: 1}", "both low and high"),
        ("dtype: float32, shape: [2], domain: {low: 1, high: 0}", "low is larger than high"),
        ("dtype: float32, shape: [2], domain: {low: 1, high: 2, values: [1]}", "either low and high, or values"),
        ("dtype: float32, shape: [2], domain: {axes: {}}", "either low and high, or values"),
        ("dtype: float32, shape: [2], domain: {}", "non-empty"),
        ("dtype: float32, shape: [2], domain: {lo: 1}", 'unknown key "lo"'),
        ("dtype: float32, shape: [2], domain: {low: 0, high: 1, alphabet: ab}", 'has no "alphabet"'),
        ("dtype: string, shape: [batch], domain: {low: 0, high: 1}", 'has no "low"'),
        ("dtype: string, shape: [batch, 2], domain: {alphabet: ab}", "one text an item"),
        ("dtype: string, shape: [batch], domain: {values: [1]}", "values of a text are texts"),
        ("dtype: string, domain: {min_length: 101}", "min_length is larger"),
        ("dtype: uint8, shape: [2], domain: {low: 0, high: 256}", "256 is no value of uint8"),
        ("dtype: int64, shape: [2], domain: {values: [0.5]}", "0.5 is no value of int64"),
        ("dtype: float16, shape: [2], domain: {low: 0, high: 1.0e+6}", "no value of float16"),
        ("dtype: bool, shape: [2], domain: {values: [2]}", "2 is no value of bool"),
        ("dtype: float32, domain: {low: 0, high: 1}", "needs the shape"),
        ("dtype: float32, shape: [batch, time], domain: {low: 0, high: 1}", 'how long the axis "time"'),
        ("dtype: float32, shape: [2], domain: {low: 0, high: 1, axes: {time: [1, 2]}}", 'no axis "time"'),
        ("dtype: float32, shape: [t], domain: {low: 0, high: 1, axes: {t: [2, 1]}}", "longest before shortest"),
        ("dtype: float32, shape: [2], constant: 1, domain: {low: 0, high: 1}", "constant input has no domain"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(declared, line, what):
    with pytest.raises(DocumentError, match=what) as refused:
        declared(f"{{name: x, {line}}}")
    assert refused.value.where.endswith(":9")


def test_a_framework_inherits_the_domain_of_the_same_numbers():
    steps = (Step("cast", {"dtype": "float32"}),)
    model = Input("x", "float32", ("batch", 4), steps=steps, domain=Domain(0, 1))
    same = Input("other", "float32", ("batch", 4), steps=(*steps, Step("layout", {"from": "HW", "to": "WH"})))
    scaled = dataclasses.replace(same, steps=(*steps, Step("scale", {"by": 255})))
    own = Input("x", "float32", ("batch", 4), steps=steps, domain=Domain(5, 6))
    assert inherited((same,), (model,))[0].domain == Domain(0, 1)
    assert inherited((scaled,), (model,))[0].domain is None
    assert inherited((own,), (model,))[0].domain == Domain(5, 6)


def test_only_what_varies_must_have_a_domain():
    drawn = Input("x", "float32", ("batch", 4), domain=Domain(0, 1))
    assert drawable([drawn, Input("c", "float32", (1,), constant=1.0)])
    assert not drawable([drawn, Input("y", "float32", (1,))])
    assert not drawable([])


def layout(before, after):
    return Step("layout", {"from": before, "to": after})


def test_axes_are_put_in_the_other_order():
    chw = Input("x", "float32", ("batch", 3, 2, 5), steps=(layout("HWC", "CHW"),))
    hwc = Input("image", "float32", ("batch", 2, 5, 3))
    tensor = np.arange(60, dtype=np.float32).reshape(2, 3, 2, 5)
    for there, back in ((translation([chw], [hwc]), translation([hwc], [chw])),):
        moved = there({"x": tensor})["image"]
        assert moved.shape == (2, 2, 5, 3)
        assert moved.flags.c_contiguous
        np.testing.assert_array_equal(back({"image": moved})["x"], tensor)


def test_the_declared_layout_counts_where_no_step_says_it():
    nchw = Input("x", "float32", ("batch", 3, 2, 5), layout="NCHW")
    nhwc = Input("x", "float32", ("batch", 2, 5, 3), layout="NHWC")
    assert translation([nchw], [nhwc])({"x": np.zeros((1, 3, 2, 5))})["x"].shape == (1, 2, 5, 3)


def test_inputs_belong_together_by_name():
    a, b = Input("a", "float32", ("batch",)), Input("b", "float32", ("batch",))
    assert translation([a, b], [b, a])({"a": 1, "b": 2}) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "other",
    [
        Input("x", "float64", ("batch", 4)),
        Input("x", "float32", ("batch", 2, 2)),
        Input("x", "float32", (1, 4)),
        Input("x", "float32", ("batch", 4), steps=(Step("scale", {"by": 2}),)),
        Input("x", "float32", ("batch", 4), steps=(layout("HWC", "CHW"),), layout="NX"),
    ],
)
def test_other_numbers_cannot_be_translated(other):
    one = Input("x", "float32", ("batch", 4), layout="NC")
    if other.steps and other.steps[0].name == "layout":
        one = dataclasses.replace(one, steps=(layout("AB", "BA"),))
    assert translation([one], [other]) is None


def test_another_number_of_inputs_cannot_be_translated():
    one = Input("x", "float32", ("batch", 4))
    assert translation([one], [one, one]) is None


def test_the_schema_takes_what_is_documented():
    text = f"{HEAD}  - {{name: x, dtype: bool, shape: [2], domain: {{values: [true, false]}}}}\n"
    check(parse_document(text, "m.yml"), "model")

"""The same model on two frameworks: what differs is found, on drawn inputs and on the items of a dataset."""

from pathlib import Path

import numpy as np
import pytest

from pytest_mlmodelscope.store import arrays

#: The planted linear model in numpy; a subclass of tests puts another weight, shape or name in.
CODE = """\
import numpy

W = numpy.array({weights}, "float32")


def answer(x):
    return numpy.asarray(x) @ W
"""
BESIDE = "{name: agrees_with, framework: onnxruntime, examples: 30}"

pytestmark = pytest.mark.usefixtures("this_python")


def code(weights):
    return CODE.format(weights=weights.tolist())


def one_weight_off(planted, by=0.5):
    weights = planted.weights.copy()
    weights[2, 1] += by
    return weights


@pytest.fixture
def rows():
    return np.random.default_rng(3).normal(size=(40, 4)).astype(np.float32).round(3)


def test_the_same_weights_agree(project, planted, verify):
    project.add_code("same", planted.linear(), code(planted.weights), domain="{low: -1, high: 1}")
    result = verify("same", BESIDE)
    assert result.verdict.word == "confirmed", result.verdict.reason
    assert result.check["decided"] >= 30
    assert (result.check["beside"]["framework"], result.software["framework"]) == ("onnxruntime", "python")
    assert result.check["largest_difference"] < 1e-5


def test_one_weight_that_differs_is_found_and_its_input_is_small(project, planted, verify):
    project.add_code("off", planted.linear(), code(one_weight_off(planted)), domain="{low: -1, high: 1}")
    result = verify("off", BESIDE)
    assert result.verdict.word == "refuted"
    assert "y of item 1" in result.verdict.reason
    assert "at [1]" in result.verdict.reason, "the output that the weight leads to"
    x = arrays.read(Path(result.check["counterexample"]["file"]))["x"]
    assert x.shape == (1, 4)
    assert x[0, 2] != 0


def test_a_tolerance_that_admits_the_difference(project, planted, verify):
    project.add_code("off", planted.linear(), code(one_weight_off(planted, 0.001)), domain="{low: -1, high: 1}")
    admitting = "{name: agrees_with, framework: onnxruntime, examples: 30, tolerance: {absolute: 0.01}, decisions: 0.2}"
    assert verify("off", admitting).verdict.word == "confirmed"
    assert verify("off", BESIDE).verdict.word == "refuted"


def test_axes_in_another_order_are_the_same_tensors(project, planted, verify):
    """The other framework gets the transposed tensor, and sums it the other way."""
    steps = "steps: [cast: {dtype: float32}, layout: {from: HW, to: WH}]"
    picture = f"{{name: x, dtype: float32, shape: [batch, 2, 3], {steps}}}"
    backwards = "def answer(x):\n    return x.sum(axis=2)\n"
    project.add_code("turned", planted.column_sums(), backwards, inputs=picture)
    path = project.root / "manifests" / "models" / "turned.yml"
    declared = "shape: [batch, 3, 2], domain: {low: -1, high: 1}"
    path.write_text(path.read_text().replace("shape: [batch, 4]", declared, 1))
    result = verify("turned", BESIDE)
    assert result.verdict.word == "confirmed", result.verdict.reason


# -- on the items of a dataset -----------------------------------------------------------------------

DATASET = "dataset: rows\n"


def test_items_are_compared_one_by_one(project, planted, verify, rows):
    project.add_code("same", planted.linear(), code(planted.weights))
    project.add_data(rows)
    result = verify("same", BESIDE, DATASET)
    assert result.verdict.word == "confirmed", result.verdict.reason
    assert (result.check["items"], result.check["examples"], result.check["decided"]) == (40, 0, 40)
    assert "40 items" in result.verdict.reason


def test_the_item_that_is_farthest_off_is_told_and_kept(project, planted, verify, rows):
    project.add_code("off", planted.linear(), code(one_weight_off(planted)))
    project.add_data(rows)
    result = verify("off", BESIDE, DATASET)
    worst = int(np.abs(rows[:, 2]).argmax())
    assert result.verdict.word == "refuted"
    assert result.verdict.reason.startswith(f"item {worst + 1}: y: ")
    np.testing.assert_array_equal(arrays.read(Path(result.check["counterexample"]["file"]))["x"][0], rows[worst])


def test_decisions_that_differ_are_counted(project, planted, verify, rows):
    other = one_weight_off(planted, 3)
    project.add_code("off", planted.linear(), code(other))
    project.add_data(rows)
    differing = int(((rows @ other).argmax(axis=1) != (rows @ planted.weights).argmax(axis=1)).sum())
    assert 2 < differing < 20, "else this test says nothing"
    lax = "{{name: agrees_with, framework: onnxruntime, tolerance: {{absolute: 99}}, decisions: {0}}}"
    assert verify("off", lax.format(differing), DATASET).verdict.word == "confirmed"
    assert verify("off", lax.format(differing / 40), DATASET).verdict.word == "confirmed"
    refuted = verify("off", lax.format(differing - 1), DATASET)
    assert refuted.verdict.word == "refuted"
    assert f"{differing} of 40 decisions differ, {differing - 1} may" in refuted.verdict.reason
    assert refuted.check["counterexample"]["file"]


def test_items_and_drawn_inputs_are_both_looked_at(project, planted, verify, rows):
    project.add_code("same", planted.linear(), code(planted.weights), domain="{low: -1, high: 1}")
    project.add_data(rows)
    result = verify("same", BESIDE, DATASET)
    assert result.check["items"] == 40
    assert result.check["examples"] >= 30
    assert "40 items and 34 drawn inputs" in result.verdict.reason


def test_outputs_of_other_names_are_not_compared_and_it_says_so(project, planted, verify, rows):
    project.add_code("named", planted.linear(), code(planted.weights * 2), outputs="{name: z, steps: [argmax]}")
    project.add_data(rows)
    result = verify("named", BESIDE, DATASET)
    assert result.verdict.word == "confirmed", result.verdict.reason
    assert "decisions alone" in result.verdict.reason


def test_a_sample_of_the_items(project, planted, verify, rows):
    project.add_code("same", planted.linear(), code(planted.weights))
    project.add_data(rows)
    assert verify("same", BESIDE, "dataset: {name: rows, items: 7}\n").check["items"] == 7


# -- a dataset instead of a domain -------------------------------------------------------------------


@pytest.mark.parametrize("check", ["finite", "deterministic", "batch_invariant"])
def test_real_items_are_drawn_where_no_domain_is_declared(project, planted, verify, rows, check):
    project.add("plain", planted.linear(), domain="")
    project.add_data(rows)
    result = verify("plain", f"{{name: {check}, examples: 10}}", DATASET)
    assert result.verdict.word == "confirmed", result.verdict.reason


def test_the_item_that_breaks_it_is_named(project, planted, verify, rows):
    project.add("root", planted.root(), domain="")
    rows[:, :] = np.abs(rows)
    rows[17, 3] = -1
    project.add_data(rows)
    result = verify("root", "{name: finite, examples: 200}", DATASET)
    assert "item 18" in result.verdict.reason


# -- what is not here --------------------------------------------------------------------------------


def test_a_framework_that_cannot_be_had_is_not_applicable(project, planted, verify):
    project.add_code("same", planted.linear(), code(planted.weights), domain="{low: -1, high: 1}")
    on_python = "conditions: {frameworks: [python]}\n"
    result = verify("same", '{name: agrees_with, framework: "onnxruntime<1"}', on_python)
    assert result.verdict.word == "not_applicable"
    assert "onnxruntime" in result.verdict.reason


def test_the_same_version_under_another_requirement_is_nothing_to_compare(project, planted, verify):
    project.add("plain", planted.linear())
    more = 'conditions: {frameworks: ["onnxruntime>=1"]}\n'
    result = verify("plain", "{name: agrees_with, framework: onnxruntime}", more)
    assert (result.verdict.word, "nothing to compare" in result.verdict.reason) == ("not_applicable", True)


def test_tensors_that_are_not_the_same_are_not_drawn(project, planted, verify):
    scaled = "{name: x, dtype: float32, shape: [batch, 4], domain: {low: 0, high: 1}, steps: [scale: {by: 255}]}"
    project.add_code("other", planted.linear(), code(planted.weights), inputs=scaled, domain="{low: 0, high: 1}")
    result = verify("other", BESIDE)
    assert result.verdict.word == "not_applicable"
    assert "name a dataset" in result.verdict.reason

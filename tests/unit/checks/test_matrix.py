"""One model on two real frameworks, side by side; and two models that are one."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from pytest_mlmodelscope.record.build import build, read, write
from pytest_mlmodelscope.record.case import case_record
from pytest_mlmodelscope.record.findings import findings
from pytest_mlmodelscope.record.machine import machine_facts, software_facts
from pytest_mlmodelscope.record.matrix import matrices, mcnemar, of_record
from pytest_mlmodelscope.reports import json, markdown, terminal

CODE = """\
import numpy

W = numpy.array({weights}, "float32")


def answer(x):
    return numpy.asarray(x) @ W
"""

pytestmark = pytest.mark.usefixtures("this_python")


def code(weights):
    return CODE.format(weights=weights.tolist())


@pytest.fixture
def rows():
    return np.random.default_rng(3).normal(size=(200, 4)).astype(np.float32).round(3)


@pytest.fixture
def off(planted):
    """The weights of the other framework: some decisions differ by them."""
    weights = planted.weights.copy()
    weights[2, 1] += 0.5
    return weights


@pytest.fixture
def records(project, engine):
    """The records of all cases of some claims."""

    def of(*groups):
        return [case_record(engine.verify(case)) for group in groups for case in group]

    return of


@pytest.fixture
def both(project, planted, rows, off, records):
    """The records of one model on onnxruntime and, a little otherwise, in Python."""
    truth = (rows @ planted.weights).argmax(axis=1)
    truth[:20] = (truth[:20] + 1) % 3
    project.add_code("linear", planted.linear(), code(off))
    project.add_data(rows, truth)
    return records(project.figures("linear"))


def expected(rows, planted, off):
    """What the two decide, and which is right, by numpy alone."""
    one, other = rows @ planted.weights, rows @ off
    truth = one.argmax(axis=1)
    truth[:20] = (truth[:20] + 1) % 3
    return one, other, one.argmax(axis=1) == truth, other.argmax(axis=1) == truth


def test_figures_decisions_and_outputs_of_each_framework(both, rows, planted, off):
    one, other, right_one, right_other = expected(rows, planted, off)
    (matrix,) = matrices(both)
    first, second = matrix.rows
    assert (matrix.model, matrix.dataset, matrix.metric, matrix.n) == ("linear", "rows/test", "accuracy", 200)
    assert [first.framework, second.framework] == ["onnxruntime", "python"]
    assert first.value == pytest.approx(100 * right_one.mean())
    assert second.value == pytest.approx(100 * right_other.mean())
    assert second.differing == (one.argmax(axis=1) != other.argmax(axis=1)).sum() > 0
    lost, won = int((right_one & ~right_other).sum()), int((right_other & ~right_one).sum())
    assert (second.lost, second.won) == (lost, won)
    assert second.p == pytest.approx(binomtest(min(lost, won), lost + won, 0.5).pvalue)
    assert second.difference == pytest.approx(np.abs(one - other).max(), rel=1e-5)
    assert (first.latency_of, first.latency_s > 0) == ("item", True)


def test_the_first_row_has_nothing_to_be_held_against(both):
    first = matrices(both)[0].rows[0]
    assert (first.differing, first.p, first.difference) == (None, None, None)


def test_a_framework_that_is_not_here_has_a_row_that_says_why(both):
    missing = {**both[0], "id": "x", "framework": "caffe", "measured": None, "verdict": "not_applicable"}
    missing |= {"reason": "no Python 3.8 is here\n  try: pyenv", "software": {}, "predictions": {}, "outputs": {}}
    (matrix,) = matrices([missing, *both])
    assert matrix.rows[0].value is None
    assert matrix.rows[0].why["value"] == "not applicable: no Python 3.8 is here"
    assert matrix.rows[2].differing is not None, "the others are held against the first that has a figure"


def on(case, target, **machine):
    """The same case as if it had been verified on another kind of machine."""
    return {**case, "id": f"x-{target}", "target": target, "machine": {**case["machine"], **machine}}


def test_processors_stand_side_by_side_and_one_that_is_emulated_has_no_latency(both):
    emulated = on(both[1], "ppc", arch="ppc64le", nature="emulated")
    elsewhere = {**on(both[0], "gpu", device="gpu"), "measured": None, "verdict": "not_applicable", "reason": "none"}
    (matrix,) = matrices([emulated, elsewhere, both[0]])
    first, second = matrix.rows
    assert (matrix.target, first.machine, second.machine) == ("cpu, ppc", "x86_64", "ppc64le, emulated")
    assert (second.differing, second.difference) == (
        matrices(both)[0].rows[1].differing,
        matrices(both)[0].rows[1].difference,
    )
    assert second.latency_s is None
    shown = terminal.matrices([matrix], width=160)
    assert "python" in shown
    assert "on ppc64le, emulated" in shown
    assert "a machine that is emulated or simulated has no latency" in shown


def test_one_framework_makes_no_matrix(both):
    assert matrices(both[:1]) == []
    missing = {**both[1], "measured": None}
    assert matrices([both[0], missing]) == []


def test_a_latency_case_comes_before_the_time_of_the_accuracy_run(both):
    timed = {**both[0], "metric": "latency", "unit": "ms", "measured": 3.0}
    (matrix,) = matrices([*both, timed])
    assert (matrix.rows[0].latency_s, matrix.rows[0].latency_of) == (0.003, "query")
    assert matrix.rows[1].latency_of == "item"


def test_files_that_are_gone_leave_cells_empty_that_say_so(both):
    for case in both:
        Path(case["predictions"]["file"]).unlink(missing_ok=True)
        Path(case["outputs"]["file"]).write_bytes(b"damaged")
    row = matrices(both)[0].rows[1]
    assert (row.differing, row.p, row.difference) == (None, None, None)
    assert "not kept here" in row.why["differing"]
    assert "not kept here" in row.why["difference"]
    assert row.value is not None


def test_outputs_of_other_names_are_not_compared(project, planted, rows, records):
    project.add_code("named", planted.linear(), code(planted.weights), outputs="{name: z, steps: [argmax]}")
    project.add_data(rows)
    row = matrices(records(project.figures("named")))[0].rows[1]
    assert row.difference is None
    assert row.why["difference"] == "no output of the same name: z here, y there"
    assert row.differing == 0


def test_outputs_that_were_too_large_say_so(both):
    both[1]["outputs"] = {"why": "outputs of more than 64 MB are not kept"}
    assert "64 MB" in matrices(both)[0].rows[1].why["difference"]


def test_other_items_are_not_compared(both, project, records, engine):
    half = records(project.figures("linear", more="", data="{name: rows, items: 50}"))
    row = matrices([both[0], half[1]])[0].rows[1]
    assert row.why["differing"] == "other items were evaluated"


def test_accuracy_comes_before_other_figures_over_the_same_data(both, project, records):
    f1 = records(project.figures("linear", "{name: f1, average: macro}"))
    assert [matrix.metric for matrix in matrices([*f1, *both])] == ["accuracy"]
    row = matrices(f1)[0].rows[1]
    assert (row.p, row.differing is None) == (None, False)
    assert "does not say of single items" in row.why["p"]


@pytest.mark.parametrize(
    ("lost", "won", "p"), [(0, 0, 1.0), (5, 5, 1.0), (0, 1, 1.0), (0, 10, 2 / 2**10), (1, 5, 14 / 64)]
)
def test_mcnemar_is_exact(lost, won, p):
    """By hand: twice the binomial tail, one at most."""
    assert mcnemar(lost, won) == pytest.approx(p)
    assert mcnemar(won, lost) == pytest.approx(p)


# -- in records and reports --------------------------------------------------------------------------


def test_a_record_holds_it_and_gives_it_back(both, tmp_path):
    record = build(both, machine_facts(), software_facts(), None, {})
    write(record, tmp_path / "r.json")
    found = of_record(read(tmp_path / "r.json")["mlms"]["matrices"])
    assert [dataclasses.astuple(one) for one in found] == [dataclasses.astuple(one) for one in matrices(both)]


@pytest.mark.parametrize("report", [terminal, markdown, json])
def test_every_report_shows_each_framework_and_figure(both, report):
    found = matrices(both)
    text = report.matrices(found, width=160)
    for wanted in ("linear", "rows/test", "onnxruntime", "python", str(found[0].rows[1].differing)):
        assert wanted in text
    assert "held against onnxruntime" in text or report is json


def test_eighty_columns_are_enough_whatever_a_framework_says_of_its_build(both):
    both[1]["software"]["version"] = "2026.4.1-22982-e213a147257-releases/2026/4"
    lines = terminal.matrices(matrices(both), width=80).splitlines()
    (row,) = [line for line in lines if line.startswith("python 2026.4.1 ")]
    assert "releases" not in row
    assert len(row.split()) == len(["python", "2026.4.1", "9.99", "%", "9", "9/9", "0.9", "0.9", "9.9", "us*"])


def test_reports_say_why_cells_are_empty(both):
    both[1]["outputs"] = {"why": "outputs of more than 64 MB are not kept"}
    text = terminal.matrices(matrices(both), width=160)
    assert "python: no difference of outputs: outputs of more than 64 MB are not kept" in text


# -- two models that are one -------------------------------------------------------------------------


def noisy_truth(rows, weights, wrong):
    truth = (rows @ weights).argmax(axis=1)
    truth[:wrong] = (truth[:wrong] + 1) % 3
    return truth


def twins(project, planted, rows, records, other, wrong=80, **more):
    project.add("one", planted.linear())
    project.add("two", other, **more)
    project.add_data(rows, noisy_truth(rows, planted.weights, wrong))
    return findings(records(project.figures("one"), project.figures("two")))


def renamed(data):
    """The same model as other bytes."""
    import onnx

    model = onnx.load_from_string(data)
    model.producer_name = "somebody else"
    return model.SerializeToString()


def test_the_same_outputs_under_another_name_are_found(project, planted, rows, records):
    (found,) = twins(project, planted, rows, records, renamed(planted.linear()), wrong=0)
    assert found["models"] == ["one", "two"]
    assert "to the last bit" in found["text"]


def test_the_same_mistakes_are_found_where_outputs_are_not_the_same(project, planted, rows, records):
    """Twice the weights: other outputs, the same decisions."""
    (found,) = twins(project, planted, rows, records, planted.linear(planted.weights * 3))
    assert "the 80 wrong ones too" in found["text"]


@pytest.mark.parametrize("wrong", [0, 5, 60])
def test_the_same_right_answers_and_few_mistakes_prove_nothing(project, planted, rows, records, wrong):
    assert twins(project, planted, rows, records, planted.linear(planted.weights * 3), wrong) == []


def test_two_models_that_decide_otherwise_are_two(project, planted, rows, records, off):
    assert twins(project, planted, rows, records, planted.linear(off)) == []


def test_manifests_that_name_the_same_file_are_meant_to_be_one(project, planted, rows, records):
    project.add("one", planted.linear())
    project.add_code("two", planted.linear(), code(planted.weights))
    project.add_data(rows)
    cases = records(project.figures("one"), project.figures("two"))
    assert len({case["model_digest"] for case in cases}) == 2
    assert findings(cases) == []
    assert len(findings([{**case, "assets": {}} for case in cases])) == 1


def test_files_that_recipes_made_of_the_same_ones_are_meant_to_be_one(project, planted, rows, records):
    project.add("one", planted.linear())
    project.add("two", renamed(planted.linear()))
    project.add_data(rows)
    cases = records(project.figures("one"), project.figures("two"))
    assert [case["made_of"] for case in cases] == [[], []]
    assert findings([{**case, "made_of": ["layers", "weights"]} for case in cases]) == []
    assert len(findings([{**case, "made_of": ["layers", case["model"]]} for case in cases])) == 1


def test_one_model_on_two_frameworks_is_expected_to_agree(project, planted, rows, records):
    project.add_code("linear", planted.linear(), code(planted.weights))
    project.add_data(rows, noisy_truth(rows, planted.weights, 80))
    assert findings(records(project.figures("linear"))) == []


def test_a_finding_stands_in_the_record(project, planted, rows, records, tmp_path):
    project.add("one", planted.linear())
    project.add("two", renamed(planted.linear()))
    project.add_data(rows)
    cases = records(project.figures("one"), project.figures("two"))
    write(build(cases, machine_facts(), software_facts(), None, {}), tmp_path / "r.json")
    (found,) = read(tmp_path / "r.json")["mlms"]["findings"]
    assert found["kind"] == "twins"

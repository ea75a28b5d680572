"""Whatever can go wrong with a case is a verdict of that case, and the next one is not touched."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import struct

import numpy as np
import pytest

from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.claim.expand import expand
from pytest_mlmodelscope.core.claim import DataUse, Hardware
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.manifest.load import Catalogue

from .conftest import entry_of


def verdict(engine, case):
    return engine.verify(case).verdict


# -- figures that decide ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "direction", "word"),
    [
        (90.0, "higher", "confirmed"),
        (50.0, "higher", "confirmed"),
        (95.0, "higher", "refuted"),
        (90.0, "equal", "confirmed"),
        (50.0, "equal", "refuted"),
        (95.0, "lower", "confirmed"),
    ],
)
def test_a_figure_over_everything_confirms_or_refutes(engine, word_case, value, direction, word):
    result = engine.verify(word_case(value=value, direction=direction))
    assert (result.verdict.word, result.measurement.value, result.measurement.n) == (word, 90.0, 100)


def test_a_model_of_pictures_is_verified_like_one_of_words(engine, case):
    result = engine.verify(case(value=89.9))
    assert result.verdict.word == "confirmed"
    assert (result.measurement.n, result.measurement.census) == (1797, True)
    assert result.software["framework"] == "onnxruntime"


def test_other_data_never_decide(engine, word_case):
    assert verdict(engine, word_case(data=DataUse("lines", relation="other"))).word == "inconclusive"


def test_a_sample_on_the_edge_does_not_decide(engine_of, word_case):
    assert verdict(engine_of(sample=20), word_case()).word == "inconclusive"


def test_an_item_on_which_the_model_fails_has_no_answer(engine, words, word_case):
    words.add_data("failing", test=[("a", "A"), ("raise", "RAISE"), ("b", "B"), ("raise", "RAISE")])
    result = engine.verify(word_case(data="failing", value=50.0))
    assert (result.verdict.word, result.measurement.value, result.measurement.failed) == ("confirmed", 50.0, 2)


# -- not applicable ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "words_of_it"),
    [
        ({"hardware": Hardware(name="No Such Processor")}, "other hardware (name)"),
        ({"hardware": Hardware(memory=10**18)}, "other hardware (memory)"),
        ({"hardware": Hardware(device="fpga")}, "ONNX Runtime is not driven on a fpga here"),
        ({"frameworks": ("onnxruntime<1",)}, "no environment of onnxruntime fits"),
    ],
)
def test_what_is_not_here_is_not_applicable_with_its_reason(engine, case, conditions, words_of_it):
    result = engine.verify(case(**conditions))
    assert result.verdict.word == "not_applicable"
    assert words_of_it in result.verdict.reason
    assert result.measurement is None


@pytest.mark.parametrize(("metric", "unit"), [("accuracy", "%"), ("latency", "ms"), ("latency_cycles", "cycles")])
def test_of_a_model_that_is_not_at_hand_everything_is_not_applicable(engine, folder, case, metric, unit):
    (folder / "manifests" / "models" / "far.yml").write_text(
        'schema: model/1\nname: far\nversion: "1"\ntask: image_classification\nlicense: MIT\ndescription: Far.\n'
        "elsewhere: a bitstream that its authors keep\nframeworks: {onnxruntime: {}}\n"
    )
    claim = dataclasses.replace(case().claim, model="far", dataset=None, metric=metric, unit=unit)
    (far,) = expand(claim, Catalogue([folder / "manifests"]))
    found = verdict(engine, far)
    assert found.word == "not_applicable"
    assert "the model far is not at hand: a bitstream that its authors keep" in found.reason


# -- the numbers themselves -------------------------------------------------------------------------


def test_the_numbers_of_a_model_are_held_against_those_of_a_dataset(engine, folder, case):
    datasets = folder / "manifests" / "datasets"
    with np.load(engine.verify(case()).outputs["file"]) as found:
        scores = found["scores"].astype(">f4")
    scores[7, 3] += 1
    (datasets / "scores").write_bytes(struct.pack(">BBBB2I", 0, 0, 0x0D, 2, *scores.shape) + scores.tobytes())
    text = (datasets / "digits.yml").read_text().replace("name: digits", "name: scores")
    text = re.sub(r"labels: {path.*", f"labels: {entry_of(datasets / 'scores')}", text)
    (datasets / "scores.yml").write_text(text)
    exact = engine.verify(case("exact_outputs", 99.94, data="scores", direction="equal"))
    assert (exact.verdict.word, exact.measurement.value) == ("confirmed", pytest.approx(100 * 1796 / 1797))


def test_answers_that_are_no_numbers_are_not_held_against_any(engine, word_case):
    found = verdict(engine, word_case("exact_outputs", 100.0))
    assert found.word == "error"
    assert 'the output "label" of words is not kept' in found.reason


def test_a_file_that_is_neither_here_nor_allowed_to_be_fetched_is_not_applicable(engine, folder, case):
    path = folder / "manifests" / "models" / "digits-means.yml"
    path.write_text(path.read_text().replace("path: digits.onnx", "url: https://example.invalid/digits.onnx"))
    found = verdict(engine, case())
    assert found.word == "not_applicable"
    assert "offline" in found.reason


def test_nothing_is_started_for_what_is_not_applicable(engine, words, word_case):
    engine.verify(word_case(hardware=Hardware(name="No Such Processor")))
    assert words.log == []


def test_a_framework_that_cannot_count_parameters_is_not_applicable(engine, word_case):
    found = verdict(engine, word_case("parameter_count", 5, unit="parameters"))
    assert found.word == "not_applicable"
    assert "cannot tell" in found.reason


# -- errors -----------------------------------------------------------------------------------------


def torn_model(folder):
    """Makes the model of digits one that no framework can load."""
    models = folder / "manifests" / "models"
    data = (models / "digits.onnx").read_bytes()[:200]
    (models / "torn.onnx").write_bytes(data)
    text = (models / "digits-means.yml").read_text().replace("name: digits-means", "name: torn")
    line = next(row for row in text.splitlines() if "graph: {path" in row)
    ours = f"  graph: {{path: torn.onnx, sha256: {hashlib.sha256(data).hexdigest()}, size: 200, license: MIT}}"
    (models / "torn.yml").write_text(text.replace(line, ours))


def test_a_model_that_cannot_be_loaded_is_an_error_and_the_next_case_goes_on(engine, folder, case):
    torn_model(folder)
    broken = engine.verify(case(model="torn"))
    assert broken.verdict.word == "error"
    assert broken.measurement is None
    assert verdict(engine, case()).word == "confirmed"


def test_a_checksum_that_differs_is_an_error_at_the_manifests_line(engine, folder, case):
    (folder / "manifests" / "models" / "digits.onnx").write_bytes(b"something else")
    found = verdict(engine, case())
    assert found.word == "error"
    assert "digits-means.yml:8" in found.reason


def test_a_worker_that_dies_is_an_error_with_its_signal_and_the_next_case_recovers(engine, words, word_case):
    words.add_data("deadly", test=[("a", "A"), ("die", "DIE"), ("b", "B")])
    found = verdict(engine, word_case(data="deadly"))
    assert found.word == "error"
    assert "SIGKILL" in found.reason
    assert verdict(engine, word_case()).word == "confirmed"
    assert len(set(words.processes)) == 2


def test_a_case_that_failed_is_tried_again_when_it_is_asked_for_again(engine, words, word_case):
    words.add_data("deadly", test=[("die", "DIE")])
    for _ in range(2):
        assert verdict(engine, word_case(data="deadly")).word == "error"
    assert len(set(words.processes)) == 2


def test_a_worker_that_does_not_answer_is_ended_and_the_next_case_recovers(engine_of, words, word_case):
    words.add_data("slow", test=[("sleep", "SLEEP")])
    engine = engine_of(limits=Limits(open_s=60, predict_s=1.0, memory_bytes=4_000_000_000, isolation="off"))
    found = verdict(engine, word_case(data="slow"))
    assert found.word == "error"
    assert "did not answer" in found.reason
    assert verdict(engine, word_case()).word == "confirmed"


def edited(folder, kind, name, old, new):
    path = folder / "manifests" / kind / f"{name}.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_data_that_are_not_as_many_as_the_manifest_says_are_an_error(engine, folder, words, word_case):
    edited(folder, "datasets", "lines", "items: 100", "items: 99")
    found = verdict(engine, word_case())
    assert found.word == "error"
    assert "99 items" in found.reason


def test_steps_that_give_another_dtype_are_an_error(engine, folder, case):
    edited(folder, "models", "digits-means", "[flatten, cast: {dtype: float32}]", "[flatten]")
    found = verdict(engine, case())
    assert found.word == "error"
    assert "give uint8" in found.reason


def test_an_output_that_the_model_lacks_is_an_error(engine, folder, case):
    edited(folder, "models", "digits-means", "name: scores", "name: score")
    found = verdict(engine, case())
    assert found.word == "error"
    assert "score" in found.reason


def test_answers_that_the_metric_cannot_take_are_an_error(engine, folder, case):
    edited(folder, "models", "digits-means", "steps: [argmax]", "steps: [softmax]")
    found = verdict(engine, case())
    assert found.word == "error"
    assert "predictions and references are of different kinds" in found.reason


def test_an_answer_that_cannot_travel_is_an_error(engine, words, word_case):
    words.add_data("odd", test=[("many", "MANY")])
    assert verdict(engine, word_case(data="odd")).word == "error"


def test_a_precision_that_the_model_does_not_have_is_an_error(engine, case):
    found = verdict(engine, case(precision="fp16"))
    assert found.word == "error"
    assert "fp16" in found.reason


def test_a_model_that_gives_one_number_for_a_whole_batch_is_an_error(engine, folder, case):
    from onnx import TensorProto, helper

    node = helper.make_node("ReduceMean", ["pixels"], ["scores"], keepdims=0)
    graph = helper.make_graph(
        [node], "mean",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 64])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = folder / "manifests" / "models" / "digits.onnx"
    old = path.read_bytes()
    path.write_bytes(model.SerializeToString())
    new = path.read_bytes()
    edited(folder, "models", "digits-means", hashlib.sha256(old).hexdigest(), hashlib.sha256(new).hexdigest())
    edited(folder, "models", "digits-means", f"size: {len(old)}", f"size: {len(new)}")
    found = verdict(engine, case())
    assert found.word == "error"
    assert "one value" in found.reason


# -- what is no verdict -----------------------------------------------------------------------------


def test_a_mistake_in_the_program_itself_is_not_hidden_as_a_verdict(engine, word_case, monkeypatch):
    def broken(evidence, options):
        raise AssertionError("a bug")

    monkeypatch.setattr(member("metrics", "accuracy"), "compute", broken)
    with pytest.raises(AssertionError, match="a bug"):
        engine.verify(word_case())


def test_an_interruption_ends_the_run(engine, word_case, monkeypatch):
    def interrupted(text):
        raise KeyboardInterrupt

    monkeypatch.setattr(engine._bench, "settings", dataclasses.replace(engine.settings, progress=interrupted))
    with pytest.raises(KeyboardInterrupt):
        engine.verify(word_case())

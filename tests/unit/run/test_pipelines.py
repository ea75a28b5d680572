"""Pipelines of models: stages that ask each other, in processes of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mlmodelscope.core.claim import Tolerance
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.engine.bench import Bench
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.store.predictions import read

#: A model whose decision is a list of words: none of a text that is only a line below.
PARTS = "def parts(text):\n    return text.replace('_', ' ')\n"
#: What stands before the stages of a pipeline in its manifest.
HEAD = 'schema: model/1\nname: {name}\nversion: "1"\ntask: any\nlicense: MIT\ndescription: A pipeline.\n'
EACH_WORD = """\
pipeline:
  split: {model: parts}
  shout: {model: words, of: split, how: each}
outputs:
  - name: shout
    steps: [{join: {with: "+"}}]
"""


@pytest.fixture
def project(words):
    """The project of words, with a model that takes a text apart, and pipelines by name."""
    (words.folder / "modules" / "parts_model.py").write_text(PARTS)
    models = words.folder / "manifests" / "models"
    (models / "parts.yml").write_text(
        HEAD.format(name="parts")
        + "inputs: [{name: text, dtype: string, shape: [batch]}]\noutputs: [{name: parts, steps: [split]}]\n"
        + "frameworks: {python: {entry: 'parts_model:parts'}}\n"
    )

    def add(name, body):
        (models / f"{name}.yml").write_text(HEAD.format(name=name) + body)

    words.add_pipeline = add
    add("each-word", EACH_WORD)
    words.add_data("sentences", test=[("a b", "A+B"), ("_", ""), ("c", "C"), ("d d d", "D+D+D")])
    return words


def predicted(engine, result):
    return [found for _, found, _ in read(Path(result.predictions["file"]))]


def test_a_claim_about_a_pipeline_is_verified_like_any_other(engine, project, word_case):
    result = engine.verify(word_case(value=100.0, data="sentences", model="each-word"))
    assert (result.verdict.word, result.measurement.value, result.measurement.n) == ("confirmed", 100.0, 4)
    assert predicted(engine, result) == ["A+B", "", "C", "D+D+D"]
    assert set(result.software["stages"]) == {"split", "shout"}
    assert result.software["framework"] == "python"
    assert project.times("call") == 6  # nothing of the item of which there is nothing


def test_no_answer_is_not_passed_on_and_counts_as_wrong(engine, project, word_case):
    project.add_model("silent", learns=True)
    project.add_pipeline("after-silence", "pipeline: {ask: {model: silent}, shout: {model: words, of: ask}}\n")
    result = engine.verify(word_case(model="after-silence", data="sentences"))
    assert (result.measurement.value, result.measurement.failed) == (0.0, 4)
    assert project.times("call") == 4


def test_all_that_was_decided_of_an_item_is_one_question_unless_each_is_asked_for(engine, project, word_case):
    project.add_pipeline(
        "again",
        "pipeline:\n  words: {model: each-word}\n  all: {model: words, of: words, steps: [lowercase]}\n"
        "  again: {model: parts, of: all}\noutputs: [{name: again, steps: [{select: {at: 0}}]}]\n",
    )
    project.add_data("few", test=[("a b", "A+B"), ("c", "C")])
    result = engine.verify(word_case(value=100.0, data="few", model="again"))
    assert result.measurement.value == 100.0
    assert set(result.software["stages"]["words"]["stages"]) == {"split", "shout"}


def test_the_stages_keep_their_workers_and_the_next_model_ends_them(processes, engine, project, word_case):
    engine.verify(word_case(value=100.0, data="sentences", model="each-word"))
    assert len(processes()) == 2
    engine.verify(word_case(value=100.0, data="sentences", model="each-word", batch=2))
    assert len(processes()) == 2
    engine.verify(word_case())
    assert len(processes()) == 1


def test_what_each_stage_decided_can_be_had(settings, project, word_case):
    bench = Bench(settings)
    try:
        sut, _ = bench.set_up(word_case(data="sentences", model="each-word"))
        outputs, spent = bench.worker(sut).agent.predict(sut.pipeline()[0].tensors([Item("1", "a b"), Item("2", "_")]))
    finally:
        bench.close()
    assert outputs == {"split": [["a", "b"], []], "shout": [["A", "B"], []]}
    assert spent > 0


# -- what goes wrong ------------------------------------------------------------------------------------


def test_a_stage_whose_worker_dies_is_named(processes, engine, project, word_case):
    project.add_data("bad", test=[("a b", "A+B"), ("a die", "")])
    result = engine.verify(word_case(data="bad", model="each-word"))
    assert result.verdict.word == "error"
    assert "the stage shout (words): " in result.verdict.reason
    assert "SIGKILL" in result.verdict.reason
    assert processes() == set()


def test_a_pipeline_is_asked_again_after_one_of_its_workers_died(engine, project, word_case):
    project.add_data("bad", test=[("die", "")])
    engine.verify(word_case(data="bad", model="each-word"))
    assert engine.verify(word_case(value=100.0, data="sentences", model="each-word")).verdict.word == "confirmed"


def test_steps_on_the_way_that_fail_are_told_with_their_stage_and_item(engine, project, word_case):
    project.add_pipeline(
        "wrong", "pipeline: {a: {model: words}, b: {model: words, of: a, steps: [{select: {at: 7}}]}}\n"
    )
    result = engine.verify(word_case(data="sentences", model="wrong"))
    assert result.verdict.word == "error"
    assert "the stage b (words): the steps on the way to it failed for item" in result.verdict.reason


def test_a_decision_that_is_no_list_cannot_be_taken_apart(engine, project, word_case):
    project.add_model("loose", output="{name: label, steps: [{map: {table: {A: 1}}}]}")
    project.add_pipeline("wrong", "pipeline: {a: {model: loose}, b: {model: words, of: a, how: each}}\n")
    result = engine.verify(word_case(model="wrong"))
    assert "the stage b (words): a decided no list for item" in result.verdict.reason


# -- kinds of claims ------------------------------------------------------------------------------------

TIMED = {"value": 10_000.0, "unit": "ms", "direction": "lower", "runs": 2, "seconds": 0.0, "queries": 4}


def test_it_is_timed_with_all_of_its_stages(engine, project, word_case):
    case = word_case("latency", model="each-word", data="sentences", measures="end_to_end", **TIMED)
    result = engine.verify(case)
    assert (len(result.measurement.runs), result.machine["device"]) == (2, "cpu")
    assert len(result.timings_ns) >= 8
    assert min(result.timings_ns) > 0
    assert len(set(project.processes)) == 3  # one to prepare, and a fresh one for each run


def test_a_pipeline_is_not_timed_against_itself(engine_of, project, word_case):
    case = word_case("latency", model="each-word", data="sentences", measures="end_to_end", **TIMED)
    result = engine_of(aa=20).verify(case)
    assert (result.verdict.word, "is a pipeline" in result.verdict.reason) == ("not_applicable", True)


def test_a_time_without_what_lies_between_the_stages_is_refused(project, word_case):
    with pytest.raises(DocumentError, match="timed with all that it does") as caught:
        word_case("latency", model="each-word", data="sentences", **TIMED)
    assert "measures: end_to_end" in caught.value.hint


def test_a_load_under_which_only_what_is_asked_is_timed_times_all_stages(engine, project, word_case):
    load = {"scenario": "server", "rate": 50.0, **TIMED}
    with pytest.raises(DocumentError, match="timed with all that it does") as caught:
        word_case("latency", model="each-word", data="sentences", measures="end_to_end", **load)
    assert caught.value.expected == "conditions: {measures: model}"
    result = engine.verify(word_case("latency", model="each-word", data="sentences", **load))
    assert result.measurement is not None
    assert len(result.timings_ns) >= 8


@pytest.mark.parametrize(("metric", "unit"), [("instructions", "instructions"), ("luts", "1"), ("exact_outputs", "%")])
def test_what_is_of_single_models_is_refused_of_a_pipeline(project, word_case, metric, unit):
    with pytest.raises(DocumentError, match="is of single models, and each-word is a pipeline") as caught:
        word_case(metric, model="each-word", data="sentences", unit=unit)
    assert caught.value.hint == "claim it of the models of its stages: parts, words"


def test_its_files_are_those_of_its_stages(engine, project, folder, case):
    project.add_pipeline("digits", "pipeline: {look: {model: digits-means}}\n")
    changes = {"unit": "MB", "direction": "lower", "tolerance": Tolerance("absolute", 0.0), "value": 1.0}
    alone, piped = (engine.verify(case("file_size", model=model, **changes)) for model in ("digits-means", "digits"))
    assert alone.measurement.value == piped.measurement.value > 0


def test_no_mistake_is_looked_for_in_a_pipeline(engine, project, word_case):
    result = engine.explain(engine.verify(word_case(value=0.0, data="sentences", model="each-word")), 5)
    assert "is a pipeline" in result.cause["sentence"]

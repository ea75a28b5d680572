"""What is planted in a real model is found, and shrinks to something that a person can read."""

from pathlib import Path

import numpy as np
import pytest

from pytest_mlmodelscope.store import arrays


def counterexample(result):
    """The tensors of the smallest input that was found."""
    assert result.verdict.word == "refuted", result.verdict.reason
    return arrays.read(Path(result.check["counterexample"]["file"]))


# -- finite ------------------------------------------------------------------------------------------


def test_an_output_that_is_no_number_is_found_and_its_input_is_small(project, planted, verify):
    project.add("root", planted.root())
    result = verify("root", "finite")
    x = counterexample(result)["x"]
    assert "nan" in result.verdict.reason
    assert x.shape == (1, 4)
    assert (x < 0).any()
    assert str(x[0].tolist()) in result.verdict.reason
    assert (result.measurement.value, result.measurement.kind) == (1.0, "check")


def test_the_same_model_is_finite_in_another_domain(project, planted, verify):
    project.add("root", planted.root(), domain="{low: 0, high: 1}")
    result = verify("root", "finite")
    assert result.verdict.word == "confirmed", result.verdict.reason
    assert result.measurement.n >= 100
    assert result.check["counterexample"] is None


def test_the_very_ends_of_a_domain_are_tried(project, planted, verify):
    """Nothing but the least number of the domain breaks it, and few examples are drawn."""
    project.add("root", planted.root(), domain="{low: -1.0e-30, high: 1}")
    assert verify("root", "{name: finite, examples: 1}").verdict.word == "refuted"


def test_a_domain_of_few_values_is_looked_at_whole(project, planted, verify):
    project.add("root", planted.root(), shape="[1, 4]", domain="{values: [0, 1]}")
    result = verify("root", "{name: finite, examples: 5000}")
    assert result.verdict.word == "confirmed"
    assert (result.check["exhausted"], result.check["examples"]) == (True, 2**4)
    assert "all 16 drawn inputs" in result.verdict.reason


# -- deterministic -----------------------------------------------------------------------------------


def test_a_random_model_is_not_deterministic(project, planted, verify):
    project.add("random", planted.random())
    result = verify("random", "deterministic")
    assert counterexample(result)["x"].shape == (1, 4)
    assert "twice" in result.verdict.reason


def test_it_is_within_a_tolerance_that_admits_the_noise(project, planted, verify):
    project.add("random", planted.random())
    result = verify("random", "{name: deterministic, examples: 20, tolerance: {absolute: 0.1}}")
    assert result.verdict.word == "confirmed", result.verdict.reason
    assert 0 < result.check["largest_difference"] < 0.1


def test_a_plain_model_is_deterministic_to_the_last_bit(project, planted, verify):
    project.add("plain", planted.linear())
    result = verify("plain", "deterministic")
    assert result.verdict.word == "confirmed", result.verdict.reason
    assert result.check["largest_difference"] == 0.0
    assert result.check["beside"]["framework"] == "onnxruntime"


# -- batch_invariant ---------------------------------------------------------------------------------


def test_an_answer_that_depends_on_the_neighbours_is_found(project, planted, verify):
    project.add("mean", planted.minus_batch_mean())
    result = verify("mean", "batch_invariant")
    x = counterexample(result)["x"]
    assert x.shape == (2, 4), "two items are enough"
    assert not np.array_equal(x[0], x[1])
    assert "alone and in a batch" in result.verdict.reason


def test_a_plain_model_is_batch_invariant(project, planted, verify):
    project.add("plain", planted.linear())
    assert verify("plain", "batch_invariant").verdict.word == "confirmed"


def test_a_model_of_one_item_at_a_time_has_no_batch(project, planted, verify):
    project.add("plain", planted.linear(), shape="[1, 4]")
    result = verify("plain", "batch_invariant")
    assert (result.verdict.word, "one item at a time" in result.verdict.reason) == ("not_applicable", True)


# -- large inputs, time, the same again --------------------------------------------------------------


def test_a_large_input_shrinks_to_a_few_words(project, planted, verify):
    project.add("root", planted.root(width=150_528), shape="[batch, 150528]")
    result = verify("root", "{name: finite, examples: 20}")
    assert counterexample(result)["x"].shape == (1, 150_528)
    assert len(result.verdict.reason) < 500


def test_two_runs_find_the_same(project, planted, verify):
    project.add("mean", planted.minus_batch_mean())
    found = [verify("mean", "batch_invariant").check["counterexample"]["sha256"] for _ in range(2)]
    assert found[0] == found[1]


def test_what_is_not_drawn_in_time_decides_nothing(project, planted, verify):
    project.add("plain", planted.linear())
    result = verify("plain", "{name: finite, examples: 100000, seconds: 0.5}")
    assert result.verdict.word == "inconclusive"
    assert "of 100,000" in result.verdict.reason


def test_a_model_that_fails_says_on_which_input(project, planted, verify):
    project.add("plain", planted.linear(), shape="[batch, width]", domain="{low: 0, high: 1, axes: {width: [4, 6]}}")
    result = verify("plain", "finite")
    assert result.verdict.word == "error"
    assert "the input was" in result.verdict.reason
    assert ".npz" in result.verdict.reason


@pytest.mark.parametrize("check", ["finite", "deterministic", "batch_invariant"])
def test_nothing_is_written_where_the_user_is(project, planted, verify, check, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    project.add("root", planted.root())
    verify("root", f"{{name: {check}, examples: 3}}")
    assert list(here.iterdir()) == []

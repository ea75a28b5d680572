"""What cases share: a worker, its predictions, a model that was trained, a sample."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import psutil
import pytest

from pytest_mlmodelscope.core.claim import DataUse
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.engine.run import Engine
from pytest_mlmodelscope.store.predictions import read


def alive(pid):
    return Path(f"/proc/{pid}").exists()


# -- workers and predictions ------------------------------------------------------------------------


def test_claims_about_the_same_predictions_are_judged_by_them(engine, words, word_case):
    first = engine.verify(word_case("accuracy", 90.0))
    second = engine.verify(word_case("error_rate", 10.0, direction="lower"))
    assert (first.verdict.word, second.verdict.word) == ("confirmed", "confirmed")
    assert (words.times("open"), words.times("call")) == (1, 100)
    assert first.predictions == second.predictions


def test_predictions_are_remembered_when_another_model_came_between(engine, words, word_case):
    words.add_model("others", output="{name: label, steps: [lowercase]}")
    engine.verify(word_case())
    engine.verify(word_case(model="others"))
    engine.verify(word_case("error_rate", 10.0))
    assert (words.times("open"), words.times("call")) == (2, 200)


def test_another_split_is_asked_of_the_worker_that_is_open(engine, words, word_case):
    first = engine.verify(word_case())
    other = engine.verify(word_case(value=75.0, data=DataUse("lines", "other")))
    assert (first.measurement.value, other.measurement.value) == (90.0, 75.0)
    assert (words.times("open"), words.times("call")) == (1, 140)


@pytest.mark.parametrize("changes", [{"threads": 1}, {"batch": 10}, {"precision": "fp64"}])
def test_other_conditions_are_measured_in_a_worker_of_their_own(engine, words, word_case, changes):
    engine.verify(word_case())
    engine.verify(word_case(**changes))
    assert (len(set(words.processes)), words.times("call")) == (2, 200)


def test_there_is_never_more_than_one_worker(engine, words, word_case):
    words.add_model("others", output="{name: label, steps: [lowercase]}")
    # Other tests' hubs and databases may run beside it.
    before = set(psutil.Process().children())
    for model in ("words", "others"):
        engine.verify(word_case(model=model))
        assert len(set(psutil.Process().children()) - before) == 1
    first, second = words.processes
    assert not alive(first)
    assert alive(second)


def test_another_engine_shares_files_but_no_worker(engine_of, words, word_case):
    for _ in range(2):
        engine_of().verify(word_case())
    assert len(set(words.processes)) == 2


def test_closing_ends_the_worker(processes, engine, words, word_case):
    engine.verify(word_case())
    (pid,) = words.processes
    assert alive(pid)
    engine.close()
    assert not alive(pid)
    assert processes() == set()


def test_an_engine_can_be_closed_twice_and_used_again(engine, words, word_case):
    engine.close()
    engine.verify(word_case())
    engine.close()
    engine.close()
    assert engine.verify(word_case(threads=1)).verdict.word == "confirmed"
    assert words.times("open") == 2


def test_leaving_the_block_ends_the_worker_even_when_something_broke(settings, words, word_case):
    def break_off():
        with Engine(settings) as engine:
            engine.verify(word_case())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert not alive(words.processes[0])


def test_a_worker_leaves_no_folder_behind(engine, words, word_case, monkeypatch, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(scratch))
    engine.verify(word_case())
    assert len(list(scratch.iterdir())) == 1
    engine.close()
    assert list(scratch.iterdir()) == []


# -- samples ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of_claim", "of_user", "n", "census"),
    [
        (None, None, 100, True),
        (30, None, 30, False),
        (None, 40, 40, False),
        (30, 40, 30, False),
        (60, 40, 40, False),
        (100, None, 100, True),
        (None, 100, 100, True),
        (500, 600, 100, True),
    ],
)
def test_the_fewest_items_that_anybody_wants_are_evaluated(engine_of, words, word_case, of_claim, of_user, n, census):
    result = engine_of(sample=of_user).verify(word_case(data=DataUse("lines", items=of_claim)))
    assert (result.measurement.n, result.measurement.census) == (n, census)
    assert words.times("call") == n


def test_two_claims_with_samples_of_their_own_do_not_mix(engine, words, word_case):
    sizes = [engine.verify(word_case(data=DataUse("lines", items=n))).measurement.n for n in (10, 20, 10)]
    assert sizes == [10, 20, 10]
    assert (words.times("open"), words.times("call")) == (1, 30)


def test_a_sample_is_of_the_same_items_every_time(engine_of, words, word_case):
    digests = {engine_of(sample=25).verify(word_case()).predictions["sha256"] for _ in range(2)}
    assert len(digests) == 1


def test_a_sample_has_an_interval_and_everything_has_none(engine_of, words, word_case):
    part, everything = (engine_of(sample=n).verify(word_case()).measurement.interval for n in (50, None))
    assert part.method == "hypergeometric"
    assert part.low < 90.0 < part.high
    assert everything.low == everything.high == 90.0


# -- predictions on disk ----------------------------------------------------------------------------


def test_the_predictions_of_every_item_are_kept(engine, words, word_case, settings):
    kept = engine.verify(word_case()).predictions
    path = Path(kept["file"])
    assert path.is_relative_to(settings.cache / "predictions")
    found = list(read(path))
    assert len(found) == kept["items"] == 100
    assert found[1][1:] == ("W1", "W1")
    assert found[10][1:] == ("W10", "WRONG")


@pytest.mark.parametrize("batch", [1, 7, 100, 1000])
def test_the_size_of_a_batch_does_not_change_a_prediction(engine, case, batch):
    whole = engine.verify(case())
    parts = engine.verify(case(batch=batch))
    assert parts.predictions == whole.predictions
    assert parts.measurement == whole.measurement


def test_other_predictions_have_another_digest(engine, words, word_case):
    words.add_model("others", output="{name: label, steps: [lowercase]}")
    first, second = (engine.verify(word_case(model=model)).predictions["sha256"] for model in ("words", "others"))
    assert first != second


def test_an_item_without_an_answer_is_kept_as_such(engine, words, word_case):
    words.add_data("failing", test=[("a", "A"), ("raise", "RAISE")])
    kept = engine.verify(word_case(data="failing")).predictions
    assert [prediction for _, prediction, _ in read(Path(kept["file"]))] == ["A", None]


# -- training ---------------------------------------------------------------------------------------

TRAINED = ", fit: {}"


@pytest.fixture
def learning(words):
    """A model that knows only what it was trained on, and data with a part to train on."""
    words.add_model("learner", TRAINED, learns=True)
    words.add_data("lessons", train=[("a", "1"), ("b", "2"), ("c", "3")], test=[("a", "1"), ("b", "2"), ("x", "9")])
    return words


def test_a_model_is_trained_before_it_is_asked(engine, learning, word_case):
    result = engine.verify(word_case(value=66.6, model="learner", data="lessons"))
    assert (result.verdict.word, result.measurement.failed) == ("confirmed", 1)
    assert [what for what, _ in learning.log][:2] == ["open", "fit:3"]


def test_claims_about_one_trained_model_train_it_once(engine, learning, word_case):
    for metric in ("accuracy", "error_rate"):
        engine.verify(word_case(metric, 66.6, model="learner", data="lessons"))
    assert learning.times("fit:3") == 1


def test_other_data_train_it_anew(engine, learning, word_case):
    learning.add_data("more", train=[("x", "9"), ("y", "8")], test=[("x", "9")])
    first, second = (
        engine.verify(word_case(value=60.0, model="learner", data=data)).measurement.value
        for data in ("lessons", "more")
    )
    assert (round(first, 1), second) == (66.7, 100.0)
    assert [what for what, _ in learning.log if what.startswith("fit")] == ["fit:3", "fit:2"]


def test_a_sample_of_the_test_items_is_trained_on_everything(engine_of, learning, word_case):
    engine_of(sample=1).verify(word_case(model="learner", data="lessons"))
    assert learning.times("fit:3") == 1
    assert learning.times("call") == 1


def test_the_split_to_train_on_may_have_another_name(engine, learning, word_case):
    learning.add_model("learner", ", fit: {split: test}", learns=True)
    result = engine.verify(word_case(value=100.0, model="learner", data="lessons"))
    assert result.verdict.word == "confirmed"


def test_data_without_a_part_to_train_on_are_an_error_with_what_to_add(engine, learning, word_case):
    result = engine.verify(word_case(model="learner", data="lines"))
    assert result.verdict.word == "error"
    assert 'add a split "train"' in result.verdict.reason
    assert learning.times("call") == 0


def test_a_model_that_cannot_be_trained_is_an_error(engine, learning, word_case):
    learning.add_model("learner", ", fit: {method: teach}")
    result = engine.verify(word_case(model="learner", data="lessons"))
    assert result.verdict.word == "error"
    assert "teach" in result.verdict.reason


def test_a_model_of_pictures_cannot_be_trained_and_says_so(engine, folder, case):
    path = folder / "manifests" / "models" / "digits-means.yml"
    path.write_text(path.read_text().replace("{assets: {model: graph}}", "{assets: {model: graph}, fit: {}}"))
    with pytest.raises(DocumentError, match='takes no "fit"'):
        case()


# -- what a result says of how it came about ----------------------------------------------------------


def test_every_part_of_a_run_is_timed(engine, words, word_case):
    result = engine.verify(word_case())
    parts = {"fetch_model", "environment", "read_data", "open_model", "predict", "predict_in_worker"}
    assert set(result.steps) == parts
    assert all(seconds >= 0 for seconds in result.steps.values())
    assert result.steps["predict_in_worker"] <= result.steps["predict"]
    assert result.seconds >= sum(result.steps.values()) - result.steps["predict_in_worker"]


def test_a_result_knows_data_and_software(engine, words, word_case):
    case = word_case()
    result = engine.verify(case)
    assert result.case is case
    assert result.data_digest == case.dataset.digest
    assert (result.software["framework"], result.software["device"]) == ("python", "cpu")


def test_threads_are_what_the_claim_asks_for(engine, case):
    assert engine.verify(case(threads=1)).software["threads"] == 1
    assert engine.verify(case(threads=2)).software["threads"] == 2


def test_progress_tells_how_far_a_case_is(engine_of, words, word_case):
    said = []
    engine_of(progress=said.append).verify(word_case(batch=40))
    done = [text.partition(", about ")[0] for text in said]
    assert done == [f"words-accuracy-python-cpu: {done} of 100 items" for done in (40, 80, 100)]
    # What is left to do takes time, and is said; nobody knows how much.
    assert [text.endswith(" s more") for text in said] == [True, True, False]

"""What was decided otherwise, by the predictions and outputs that were really kept."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from pytest_mlmodelscope.record.case import case_record
from pytest_mlmodelscope.record.diff import diff
from pytest_mlmodelscope.record.flips import NAMED, flip
from pytest_mlmodelscope.store import arrays, predictions

REFERENCES = [n % 10 for n in range(200)]


@pytest.fixture
def answered(accuracy_result, make_case, make_claim, tmp_path):
    """A case whose predictions and outputs are kept: ``answered(predictions, outputs)``."""

    def make(given, outputs=None, ids=None, **changes):
        ids = ids or [f"item {n}" for n in range(len(given))]
        kept = predictions.keep(tmp_path / "predictions", ids, given, REFERENCES[: len(given)])
        raw = {} if outputs is None else arrays.keep(tmp_path / "outputs", {"scores": np.asarray(outputs)})
        case = make_case(make_claim(metric="accuracy"))
        fields = {"case": case, "n": len(given), "predictions": kept, "outputs": raw}
        return case_record(accuracy_result(**{**fields, **changes}))

    return make


def changed(places):
    return [9 - label if n in places else label for n, label in enumerate(REFERENCES)]


def test_items_that_were_decided_otherwise_are_counted_tested_and_named(answered):
    a, b = answered(changed(range(3))), answered(changed(range(1, 15)))
    found = flip(a, b)
    assert (found.items, found.differing, found.lost, found.won) == (200, 13, 12, 1)
    assert found.p == pytest.approx(2 * (1 + 13) / 2**13)
    assert found.named[0] == ("item 0", 9, 0, 0)
    assert len(found.named) == NAMED


def test_other_outputs_with_the_same_decisions_are_numerics(answered):
    a, b = (answered(REFERENCES, np.ones((200, 4), np.float32) + shift) for shift in (0, 0.25))
    found = flip(a, b)
    assert (found.differing, found.difference, found.lost, found.won, found.p) == (0, 0.25, 0, 0, 1.0)


def test_the_very_same_answers_are_no_flip(answered):
    a, b = answered(REFERENCES, np.ones((200, 4))), answered(REFERENCES, np.ones((200, 4)))
    assert flip(a, b) is None


def test_of_a_sample_the_items_that_both_have_are_compared(answered):
    half = list(range(100, 200))
    a, b = answered(REFERENCES), answered(changed([0, 7])[:100], ids=[f"item {n}" for n in range(100)], n=100)
    found = flip(a, b)
    assert (found.items, found.differing, len(half)) == (100, 2, 100)


def test_files_that_are_not_here_are_said(answered):
    a, b = answered(REFERENCES), answered(changed([3]))
    b["predictions"]["file"] = "elsewhere"
    assert "not both here" in flip(a, b).why["differing"]


def test_a_record_reads_nothing_but_what_a_cache_has_for_its_digest(answered, tmp_path):
    """Records come from strangers; a hub compares them."""
    a, b = answered(REFERENCES), answered(changed([3]))
    private = tmp_path / "private.jsonl.gz"
    private.write_bytes(Path(b["predictions"]["file"]).read_bytes())
    os.utime(private, (1, 1))
    b["predictions"]["file"] = str(private)
    assert "not both here" in flip(a, b).why["differing"]
    assert private.stat().st_mtime == 1


def test_a_record_does_not_name_the_user_and_is_read_all_the_same(answered, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    a, b = answered(REFERENCES), answered(changed([3]))
    assert b["predictions"]["file"].startswith("~/predictions/")
    assert flip(a, b).differing == 1


def test_other_data_are_no_flip(answered):
    assert flip(answered(REFERENCES), answered(changed([3]), data_digest="0" * 64)) is None


def test_a_diff_tells_flips_and_what_may_explain_them(record, answered):
    import copy

    other = copy.deepcopy(record)
    record["mlms"]["cases"] = [answered(REFERENCES)]
    other["mlms"]["cases"] = [answered(changed([3, 4]))]
    other["mlms"]["cases"][0]["software"]["version"] = "9.0"
    found = diff(record, other)
    assert [one.differing for one in found.flips] == [2]
    (explanation,) = found.explanations
    assert (explanation.effect, explanation.causes[0].kind) == ("decisions", "framework")

"""Figures without a claim, claims without pytest, and what the shelf tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import pytest_mlmodelscope as mlms
from pytest_mlmodelscope.core.errors import DocumentError, MlmsError, UsageError
from pytest_mlmodelscope.engine.bench import Settings


def test_a_figure_over_all_items_still_has_an_interval(shelf):
    whole = mlms.evaluate("fashion-cnn", "fashion-mnist-500", "accuracy", "onnxruntime", shelf=shelf)
    some = mlms.evaluate("fashion-cnn", "fashion-mnist-500", "accuracy", "onnxruntime", sample=50, shelf=shelf)
    assert (whole.n, some.n) == (500, 50)
    assert 0 < whole.low < whole.value < whole.high < 1
    assert whole.high - whole.low < some.high - some.low
    assert whole.dataset == "fashion-mnist-500/test"
    assert json.loads(json.dumps(whole.to_json(), allow_nan=False))["confidence"] == 0.95


def test_a_figure_of_the_model_itself_needs_no_data(shelf):
    found = mlms.evaluate("fashion-cnn", None, "parameter_count", "onnxruntime", shelf=shelf)
    assert (found.value, found.low, found.high, found.dataset) == (20_490, 20_490, 20_490, None)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "said"),
    [
        (("fashion-cnn", "fashion-mnist", "acuracy"), {}, UsageError, 'did you mean "accuracy"'),
        (("fashion-cnn", "fashion-mnits", "accuracy"), {}, DocumentError, "fashion-mnist"),
        (("fashion-cnn", "fashion-mnist/tset", "accuracy"), {}, DocumentError, 'did you mean "test"'),
        (("fashion-cnn", None, "accuracy"), {}, DocumentError, "needs data"),
        (("fashion-cnn", "fashion-mnist", "top_k_accuracy"), {"k": "many"}, UsageError, "does not take these options"),
    ],
)
def test_what_cannot_be_measured_is_said(shelf, arguments, options, error, said):
    with pytest.raises(error) as raised:
        mlms.evaluate(*arguments, options=options, shelf=shelf)
    assert said in str(raised.value)


@pytest.fixture
def project(tmp_path, write_digits, monkeypatch):
    """A project with two claims: one that is true, and one that is not and that nobody made except on request."""
    write_digits(tmp_path)
    (tmp_path / "claims").mkdir()
    claim = """\
  - id: {id}
    model: digits-means
    dataset: {{name: digits}}
    metric: accuracy
    value: {value}
    unit: "%"
    source: {{title: Ours, figure: "{value} %", where: here, read: 2026-01-01}}
"""
    body = claim.format(id="good", value=50) + claim.format(id="bad", value=99.99)
    (tmp_path / "claims" / "digits.yml").write_text(f"schema: claim/1\nclaims:\n{body}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_claims_are_verified_by_id_and_by_file(project):
    told = []
    by_id = mlms.verify("good", progress=told.append, why=0)
    by_file = mlms.verify(Path("claims/digits.yml"), why=0)
    assert [(case["id"], case["verdict"]) for case in by_id] == [("good-onnxruntime-cpu", "confirmed")]
    assert {case["claim"]: case["verdict"] for case in by_file} == {"good": "confirmed", "bad": "refuted"}
    assert [case.fails for case in by_file] == [False, True]
    assert any("good" in text for text in told)
    (good,) = by_id
    assert good["measured"] == good.measured == by_file[0].measured
    assert (good.id, good.claim, good.framework, good.target) == ("good-onnxruntime-cpu", "good", "onnxruntime", "cpu")
    assert (good.published, good.unit, good.verdict, good.model) == (50, "%", "confirmed", "digits-means")
    assert good.low <= good.measured <= good.high
    assert (good.n, good.reason) == (good["n"], good["reason"])
    assert json.loads(json.dumps(good)) == good


def test_a_refuted_figure_is_explained_as_pytest_does(project):
    (case,) = mlms.verify("bad", settings=Settings(sample=200), why=5)
    assert case["cause"] is not None


def test_an_accepted_verdict_is_no_bad_news_and_another_one_is(project):
    known = "schema: known/1\nknown:\n  - {claim: bad, verdict: refuted, reason: only a test}\n"
    (project / "claims" / "known.yml").write_text(known + "  - {claim: good, verdict: refuted, reason: only a test}\n")
    found = {case["claim"]: case for case in mlms.verify(Path("claims/digits.yml"), why=0)}
    assert {name: case["known"]["matched"] for name, case in found.items()} == {"good": False, "bad": True}
    assert {name: case.fails for name, case in found.items()} == {"good": True, "bad": False}


def test_a_record_of_the_session_can_be_written_read_and_compared(project, tmp_path):
    from pytest_mlmodelscope.record.build import write

    record = mlms.record_of(mlms.verify(Path("claims"), why=0))
    write(record, tmp_path / "now.json")
    assert [case["claim"] for case in record["mlms"]["cases"]] == ["bad", "good"]
    difference = mlms.diff(record, tmp_path / "now.json")
    assert not difference.verdicts
    assert not difference.vanished


@pytest.mark.parametrize(
    ("wanted", "how", "said"),
    [
        (["godo"], {}, 'did you mean "good"'),
        (["claims/digits.yml"], {}, "no claim is called"),  # a text is never a path: it may be a stranger's
        ([Path("nowhere.yml")], {}, "no such file"),
        (["good"], {"framework": "pytorch"}, "no case is left"),
        (["good"], {"target": "gpo"}, "gpu"),
    ],
)
def test_what_cannot_be_verified_is_said(project, wanted, how, said):
    with pytest.raises(MlmsError) as raised:
        mlms.verify(*wanted, **how)
    assert said in str(raised.value)


def test_the_shelf_tells_of_everything(shelf):
    assert [card.name for card in mlms.find_models("picture squeeze", shelf=shelf)] == ["squeezenet-1.1"]
    assert "vader-tweets-r" in [card.id for card in mlms.find_claims(model="vader-0.5")] or mlms.find_claims("vader")
    (data,) = mlms.find_datasets("foolbox")
    assert data.splits == {"test": 20}
    assert all(shelf.claim(one).dataset.name == data.name for one in data.claims)
    assert data.claims
    (framework,) = mlms.find_frameworks("onnxruntime")
    assert "cpu" in framework.devices
    assert framework.versions
    (target,) = [card for card in mlms.find_targets() if card.name == "cpu"]
    assert target.here
    assert target.machines[0]["memory"] == target.memory

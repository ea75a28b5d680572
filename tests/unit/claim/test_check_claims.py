"""Claims that are checks: how a file says so, and which frameworks they are about."""

from pathlib import Path

import pytest

from pytest_mlmodelscope.claim.expand import expand, kind_of, selection
from pytest_mlmodelscope.claim.load import load_claims
from pytest_mlmodelscope.core.claim import OWN_REQUIREMENT
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.manifest.load import Catalogue

MODEL = """\
schema: model/1
name: model
version: "1"
task: test
license: MIT
description: Declared only.
assets:
  graph: {path: g, sha256: "%s", size: 1, license: MIT}
inputs: [{name: x, dtype: float32, shape: [batch, 4]%s}]
frameworks:
  onnxruntime: {assets: {model: graph}}
  pytorch: {assets: {model: graph}, format: torchscript}
"""
SOURCE = 'source: {title: T, where: w, figure: "9", read: "2026-11-24"}\n'


@pytest.fixture
def claim_file(tmp_path):
    def write(text) -> Path:
        path = tmp_path / "claims.yml"
        path.write_text("schema: claim/1\n" + text)
        return path

    return write


@pytest.fixture
def cases(claim_file, tmp_path):
    """The frameworks of the cases of one claim."""

    def of(text, domain=", domain: {low: 0, high: 1}", frameworks=()):
        folder = tmp_path / "manifests" / "models"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.yml").write_text(MODEL % ("a" * 64, domain))
        (claim,) = load_claims(claim_file(f"id: c\nmodel: model\n{text}"))
        found = expand(claim, Catalogue([tmp_path / "manifests"]), selection(frameworks))
        return [case.id for case in found]

    return of


def test_a_check_needs_neither_value_nor_source(claim_file):
    (claim,) = load_claims(claim_file("id: c\nmodel: m\ncheck: finite\n"))
    assert (claim.group, claim.metric, kind_of(claim)) == ("checks", "finite", "check")
    assert claim.source.title == OWN_REQUIREMENT
    assert claim.source.where.endswith("claims.yml:1")


def test_a_source_that_published_it_is_kept(claim_file):
    (claim,) = load_claims(claim_file(f"id: c\nmodel: m\ncheck: finite\n{SOURCE}"))
    assert claim.source.title == "T"


def test_options_stand_with_the_name(claim_file):
    (claim,) = load_claims(claim_file("id: c\nmodel: m\ncheck: {name: deterministic, examples: 7}\n"))
    assert claim.metric_options == {"examples": 7}


def test_what_is_shared_by_figures_is_not_taken_by_a_check_beside_them(claim_file):
    shared = f'model: m\ndataset: d\nmetric: accuracy\nunit: "%"\ntolerance: {{absolute: 1}}\n{SOURCE}'
    figure, check = load_claims(claim_file(f"{shared}claims:\n- {{id: a, value: 9}}\n- {{id: b, check: finite}}\n"))
    assert (figure.metric, figure.value) == ("accuracy", 9.0)
    assert (check.metric, check.source.title, check.dataset.name) == ("finite", OWN_REQUIREMENT, "d")


def test_a_shared_check_is_not_taken_by_a_figure(claim_file):
    one = f'{{id: b, metric: accuracy, value: 9, unit: "%", {SOURCE.strip()}}}'
    shared, figure = load_claims(claim_file(f"model: m\ncheck: finite\nclaims:\n- {{id: a}}\n- {one}\n"))
    assert [shared.metric, figure.metric] == ["finite", "accuracy"]


@pytest.mark.parametrize(
    ("text", "what", "line", "hint"),
    [
        ("check: finte\n", 'no check is called "finte"', 4, "finite"),
        ("check: {name: finite, exmples: 1}\n", 'unknown key "exmples"', 4, "examples"),
        ("check: agrees_with\n", 'key "framework" is missing', 4, "framework"),
        ("check: finite\nvalue: 3\n", 'a check has no "value"', 5, "options"),
        ("check: finite\ntolerance: {absolute: 1}\n", 'a check has no "tolerance"', 5, "options"),
        ("check: {name: finite, examples: 0}\n", "less than the minimum", 4, ""),
        ("check: 3\n", "is not valid", 4, ""),
    ],
)
def test_a_mistake_is_told_with_its_line(claim_file, text, what, line, hint):
    with pytest.raises(DocumentError) as refused:
        load_claims(claim_file(f"id: c\nmodel: m\n{text}"))
    assert what in refused.value.what
    assert refused.value.where.endswith(f":{line}")
    assert hint in (refused.value.hint or "")


def test_a_case_for_each_framework(cases):
    assert cases("check: finite\n") == ["c-onnxruntime-cpu", "c-pytorch-cpu"]


def test_the_framework_that_is_compared_with_is_left_out(cases):
    assert cases("check: {name: agrees_with, framework: onnxruntime}\n") == ["c-pytorch-cpu"]


def test_another_version_of_the_same_framework_is_another_framework(cases):
    text = 'check: {name: agrees_with, framework: "pytorch==2.5.0"}\nconditions: {frameworks: [pytorch]}\n'
    assert cases(text) == ["c-pytorch-cpu"]


def test_frameworks_are_selected_as_of_any_claim(cases):
    assert cases("check: finite\n", frameworks=["pytorch>=2"]) == ["c-pytorch>=2-cpu"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("check: {name: agrees_with, framework: pytorch}\nconditions: {frameworks: [pytorch]}\n", "with itself"),
        ("check: {name: agrees_with, framework: caffe3}\n", 'no framework "caffe3"'),
        ("check: finite\nconditions: {frameworks: [caffe3]}\n", 'no framework "caffe3"'),
    ],
)
def test_a_framework_is_not_compared_with_itself_nor_with_what_is_not_there(cases, text, what):
    with pytest.raises(DocumentError, match=what):
        cases(text)


def test_without_a_domain_there_must_be_a_dataset(cases):
    with pytest.raises(DocumentError, match="the input x has no domain") as refused:
        cases("check: finite\n", domain="")
    assert "model.yml" in refused.value.hint
    assert "`dataset:`" in refused.value.hint

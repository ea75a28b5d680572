"""``mlms lint``: everything that is wrong, with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli.main import cli

SHA = "a" * 64
MODEL = f"""\
schema: model/1
name: net
version: "1"
task: image_classification
license: MIT
description: A network.
assets:
  onnx: {{path: net.onnx, sha256: {SHA}, size: 12, license: MIT}}
inputs: [{{name: x, dtype: float32}}]
outputs: [{{name: y}}]
frameworks:
  onnxruntime: {{assets: {{model: onnx}}}}
"""
CLAIM = """\
schema: claim/1
id: net-size
model: net
metric: file_size
value: 12
unit: B
source: {title: A paper, figure: "12", where: Table 1, read: "2026-01-01"}
"""
KNOWN = """\
schema: known/1
known:
  - {claim: net-size, verdict: refuted, reason: it is what it is}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "manifests/models").mkdir(parents=True)
    (tmp_path / "claims").mkdir()
    (tmp_path / "manifests/models/net.yml").write_text(MODEL)
    (tmp_path / "claims/net.yml").write_text(CLAIM)
    (tmp_path / "claims/known.yml").write_text(KNOWN)
    return tmp_path


def lint(*args):
    return CliRunner().invoke(cli, ["lint", *map(str, args)])


def test_what_is_right_passes(project):
    result = lint("claims", "manifests")
    assert (result.exit_code, result.output) == (0, "3 files checked, 0 problems\n")


def test_every_file_that_is_wrong_is_reported_with_its_line(project):
    (project / "manifests/models/net.yml").write_text(MODEL.replace("path: net", "paht: net"))
    (project / "claims/known.yml").write_text(KNOWN.replace("verdict", "verdikt"))
    (project / "claims/b.yml").write_text(CLAIM.replace("metric: file_size", "metric: file_sise"))
    result = lint("claims/known.yml", "claims/b.yml", "manifests")
    assert result.exit_code == 1
    for line in ("claims/known.yml:3", "claims/b.yml:4", "manifests/models/net.yml:8", "3 problems"):
        assert line in result.output
    assert 'did you mean "path"?' in result.output


def test_a_claim_on_a_model_that_is_not_there_is_reported(project):
    (project / "claims/net.yml").write_text(CLAIM.replace("model: net", "model: nte"))
    result = lint("claims")
    assert result.exit_code == 1
    assert 'claims/net.yml:1: no model is called "nte"' in result.output


def test_a_broken_manifest_is_reported_once_however_many_claims_use_it(project):
    (project / "manifests/models/net.yml").write_text(MODEL.replace("task:", "tsak:"))
    (project / "claims/b.yml").write_text(CLAIM.replace("id: net-size", "id: other"))
    assert ", 1 problem\n" in lint("claims").output


def test_two_claims_of_one_name_in_two_files_are_reported(project):
    (project / "claims/b.yml").write_text(CLAIM)
    result = lint("claims")
    assert 'the id "net-size" is taken' in result.output
    assert "also at claims/b.yml:1" in result.output


def test_manifests_may_lie_elsewhere(project, tmp_path):
    (project / "manifests").rename(project / "elsewhere")
    assert lint("claims").exit_code == 1
    assert lint("claims", "--manifests", "elsewhere").exit_code == 0


def test_a_file_of_something_else_is_passed_over_unless_it_is_named(project):
    (project / "manifests/compose.yml").write_text("services: {}\n")
    result = lint("manifests")
    assert "not looked at: compose.yml" in result.output
    result = lint("manifests/compose.yml")
    assert result.exit_code == 1
    assert '"schema" is missing' in result.output


@pytest.mark.parametrize("content", ["services: {}\n", "", "\0"], ids=["foreign", "empty", "binary"])
def test_a_file_among_claims_that_is_none_is_a_problem_as_it_is_for_pytest(project, content):
    (project / "claims/compose.yml").write_text(content)
    result = lint("claims")
    assert result.exit_code == 1
    assert 'compose.yml: does not say what it is: "schema" is missing' in result.output


def test_a_byte_order_mark_does_not_hide_a_claim(project):
    (project / "claims/net.yml").write_text("\ufeff" + CLAIM)
    assert lint("claims").output.startswith("2 files checked, 0 problems")


def test_a_misspelt_schema_is_answered_with_the_nearest(project):
    (project / "claims/net.yml").write_text(CLAIM.replace("claim/1", "clam/1"))
    assert 'did you mean "claim"?' in lint("claims").output


def test_a_name_that_is_not_the_files_is_reported(project):
    (project / "manifests/models/net.yml").rename(project / "manifests/models/nett.yml")
    assert "manifests/models/nett.yml:2: the name is another than the file's" in lint("manifests").output


def test_problems_as_json(project):
    (project / "claims/known.yml").write_text(KNOWN.replace("verdict", "verdikt"))
    result = lint("claims", "--json")
    found = json.loads(result.output)
    assert (result.exit_code, found["files"]) == (1, 2)
    assert found["problems"] == [
        {
            "where": "claims/known.yml:3",
            "what": 'unknown key "verdikt" (in known[0])',
            "expected": None,
            "got": None,
            "hint": 'did you mean "verdict"?',
        }
    ]


def test_a_path_that_is_not_there_is_a_mistake_of_the_command(project):
    result = lint("nowhere")
    assert result.exit_code == 2
    assert "no such file or folder" in result.output


def test_the_bundled_claims_and_manifests_pass():
    root = Path(__file__).parents[3]
    result = lint(root / "claims", root / "manifests")
    assert result.exit_code == 0, result.output

"""What several cases together show at the end of a run: one model on several frameworks, two models that are one."""

from __future__ import annotations

import hashlib
import json

import onnx
import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli.main import cli

#: Two environments of one framework, as far as a matrix is concerned.
TWO = '{frameworks: [onnxruntime, "onnxruntime>=1"]}'


@pytest.fixture
def run(project):
    """Runs ``pytest --mlms`` in the project, in a process of its own."""
    return lambda *args: project.runpytest_subprocess("--mlms", "-p", "no:xdist", *args)


def test_a_model_on_two_frameworks_is_shown_side_by_side(run, write_claims, claim, project):
    write_claims(claim("both", "89.9 %", conditions=TWO))
    result = run("--mlms-json", "out.json")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "*one model on several frameworks*",
            "digits-means on digits/test, 1,797 items",
            "framework * accuracy * differ * lost/won * p * max diff * latency",
            "*onnxruntime 1.*90.48 %*-*",
            "*onnxruntime>=1 1.*90.48 % * 0 * 0/0 * 1 * 0 *",
            "*the others are held against onnxruntime *",
        ]
    )
    held = json.loads((project.path / "out.json").read_text())["mlms"]["matrices"]
    assert [row["framework"] for row in held[0]["rows"]] == ["onnxruntime", "onnxruntime>=1"]


def test_a_model_on_one_framework_has_no_table(run, write_claims, claim):
    write_claims(claim("one", "89.9 %"))
    result = run()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*one model on several frameworks*")


def test_the_command_shows_it_from_files(run, write_claims, claim, project, monkeypatch):
    write_claims(claim("both", "89.9 %", conditions=TWO))
    run("--mlms-json", "two.json")
    run("--mlms-json", "one.json", "claims/digits.yml::both-onnxruntime-cpu")
    monkeypatch.chdir(project.path)
    monkeypatch.setenv("COLUMNS", "160")

    def shown(*arguments):
        done = CliRunner().invoke(cli, ["matrix", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    assert "onnxruntime>=1" in shown("two.json")
    assert "(one.json)" in shown("one.json", "two.json")
    assert "| onnxruntime" in shown("two.json", "--format", "markdown")
    (matrix,) = json.loads(shown("two.json", "--json"))["matrices"]
    assert matrix["rows"][1]["differing"] == 0
    assert "#### digits-means" in CliRunner().invoke(cli, ["show", "two.json", "--format", "markdown"]).output


def test_a_model_behind_two_names_is_told(run, write_claims, claim, project):
    models = project.path / "manifests" / "models"
    other = onnx.load(models / "digits.onnx")
    other.producer_name = "somebody else"
    onnx.save(other, models / "other.onnx")
    text = (models / "digits-means.yml").read_text()
    path = models / "other.onnx"
    digests = [hashlib.sha256((models / name).read_bytes()).hexdigest() for name in ("digits.onnx", "other.onnx")]
    sizes = [(models / name).stat().st_size for name in ("digits.onnx", "other.onnx")]
    text = text.replace("name: digits-means", "name: other").replace("digits.onnx", path.name)
    text = text.replace(digests[0], digests[1]).replace(f"size: {sizes[0]}", f"size: {sizes[1]}")
    (models / "other.yml").write_text(text)
    write_claims(claim("mine", "89.9 %"), claim("theirs", "89.9 %", model="other"))
    result = run()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["WARNING: digits-means and other are two names of one model, it seems: on digits/test (onnxruntime) all*"]
    )


def test_a_check_is_a_test_like_any_other(run, project):
    path = project.path / "manifests" / "models" / "digits-means.yml"
    path.write_text(
        path.read_text().replace("shape: [batch, 64]", "shape: [batch, 64]\n    domain: {low: 0, high: 16}")
    )
    claims = project.path / "claims" / "checks.yml"
    claims.write_text(
        "schema: claim/1\nmodel: digits-means\nclaims:\n"
        "- {id: fine, check: {name: finite, examples: 20}}\n"
        "- {id: same, check: {name: deterministic, examples: 10}}\n"
        "- {id: loose, check: {name: batch_invariant, examples: 20, tolerance: {absolute: 0}}}\n"
    )
    result = run("--mlms-json", "out.json", "-k", "fine or same")
    result.assert_outcomes(passed=2, deselected=1)
    result.stdout.fnmatch_lines(["*fine*", "2 confirmed"])
    cases = json.loads((project.path / "out.json").read_text())["mlms"]["cases"]
    assert {case["kind"] for case in cases} == {"check"}
    assert cases[0]["source"]["title"] == "a requirement of the claim file itself"
    done = CliRunner().invoke(cli, ["diff", str(project.path / "out.json"), str(project.path / "out.json")])
    assert done.exit_code == 0, done.output


def test_a_refuted_check_shows_what_refutes_it(run, project):
    path = project.path / "manifests" / "models" / "digits-means.yml"
    domain = "domain: {low: -3.0e+38, high: 3.0e+38}"
    path.write_text(path.read_text().replace("shape: [batch, 64]", f"shape: [batch, 64]\n    {domain}"))
    claims = project.path / "claims" / "checks.yml"
    claims.write_text("schema: claim/1\nid: fine\nmodel: digits-means\ncheck: finite\n")
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "REFUTED: fine on onnxruntime *, cpu",
            "  published: no counterexample  (a requirement of the claim file itself, claims/checks.yml:1)",
            "  measured:  1 counterexample in * inputs",
            "  reason:    scores of item 1: * the smallest input found: pixels = *kept in *.npz*",
        ]
    )
    assert "Traceback" not in result.stdout.str()

"""What explains a refuted figure, in the message, the summary and the record; and how it is switched off."""

from __future__ import annotations

import json

import pytest

RIGHT = "steps: [flatten, cast: {dtype: float32}]"
WRONG = "steps: [layout: {from: HW, to: WH}, flatten, cast: {dtype: float32}]"


@pytest.fixture
def transposed(project, claim, write_claims):
    """A claim that the manifest of the model does not reach, since its pictures are transposed; 90.484 % is right."""
    path = project.path / "manifests" / "models" / "digits-means.yml"
    assert RIGHT in path.read_text()
    path.write_text(path.read_text().replace(RIGHT, WRONG))
    write_claims(claim("digits-accuracy", "90.5 %"))
    return project


def causes(project):
    held = json.loads((project.path / "out.json").read_text())["mlms"]["cases"]
    return [case["cause"] for case in held]


def test_the_mistake_is_named_where_the_figure_is_refuted(transposed):
    result = transposed.runpytest("--mlms", "--mlms-why", "300", "--mlms-json", "out.json")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*why:       matches the claim within 0.1 pp when *", "*why: matches the claim*"])
    (cause,) = causes(transposed)
    assert cause["explained"]
    assert cause["causes"][0]["mismatch"] == ["orientation"]


def test_it_can_be_switched_off_and_is_not_looked_for_where_the_verdict_is_accepted(transposed):
    transposed.runpytest("--mlms", "--mlms-why", "off", "--mlms-json", "out.json").assert_outcomes(failed=1)
    assert causes(transposed) == [None]
    (transposed.path / "claims" / "known.yml").write_text(
        "schema: known/1\nknown: [{claim: digits-accuracy, verdict: refuted, reason: transposed}]\n"
    )
    result = transposed.runpytest("--mlms", "--mlms-why", "300", "--mlms-json", "out.json")
    result.assert_outcomes(xfailed=1)
    assert causes(transposed) == [None]


@pytest.mark.parametrize("text", ["no", "-1", "0", "inf"])
def test_a_time_that_is_none_is_refused(transposed, text):
    result = transposed.runpytest("--mlms", f"--mlms-why={text}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--mlms-why: expected off or a number of seconds, got '{text}'*"])

"""How much evidence is taken, and what is said of many claims at once."""

from __future__ import annotations

import json

import pytest

TRUE, FALSE = "85 %", "99.0 %"
PART = "{name: digits, relation: sample, items: 60, published: {items: 50000}}"


@pytest.fixture
def run(project):
    """Runs ``pytest --mlms`` in the project, in a process of its own, and gives its output and record."""

    def run(*args):
        result = project.runpytest_subprocess("--mlms", "--mlms-json", "out.json", *args)
        return result, json.loads((project.path / "out.json").read_text())["mlms"]

    return run


def test_evidence_is_gathered_until_it_decides_and_the_run_says_before_what_that_takes(run, write_claims, claim):
    write_claims(claim("holds", TRUE, tolerance="{absolute: 1}"), claim("fails", FALSE))
    result, record = run("-p", "no:xdist", "--mlms-evidence", "sequential:1%")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "mlms: *evidence: sequential:1%*",
            "*holds-onnxruntime-cpu: expects about * of 1,797 items if the published figure is exact, * if the model *",
            "*2 of these figures rest on samples or timings; *at most 0.01 (Holm): 1 refuted*",
        ]
    )
    assert record["settings"]["evidence"] == "sequential:1%"
    assert record["settings"]["error"] == 0.01
    assert record["together"] == {"claims": 2, "error": 0.01, "refuted": 1, "uncorrected": 0}
    for case in record["cases"]:
        assert case["plan"]["rule"] == "sequential"
        assert case["plan"]["claims"] == 2
        assert case["n"] == case["plan"]["used"] < 1797
    fails, holds = record["cases"]
    assert fails["p"] <= 0.005
    assert fails["p_adjusted"] == pytest.approx(2 * fails["p"])
    assert holds["p"] > 0.01


def test_a_full_run_needs_no_correction_and_says_so_in_its_plan(run, write_claims, claim):
    write_claims(claim("holds", TRUE), claim("fails", FALSE))
    result, record = run("-p", "no:xdist")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*rest on samples or timings*")
    assert record["together"] is None
    for case in record["cases"]:
        assert (case["p"], case["p_adjusted"]) == (None, None)
        assert (case["plan"]["rule"], case["plan"]["used"]) == ("full", 1797)


@pytest.fixture
def unlucky(write_claims, claim):
    """A claim that is refuted alone by its sample, at 5 %, and eleven that hold."""
    others = [claim(f"other{n}", "50 %", dataset=PART) for n in range(11)]
    write_claims(claim("unlucky", "98 %", dataset=PART, tolerance="{absolute: 1.5}"), *others)


def test_among_many_claims_chance_refutes_none(run, unlucky):
    alone, record = run("-p", "no:xdist", "-k", "unlucky")
    (case,) = record["cases"]
    assert 0.05 / 12 < case["p"] <= 0.05
    alone.assert_outcomes(failed=1)
    result, record = run("-n", "2", "-rs")
    result.assert_outcomes(passed=11, skipped=1)
    result.stdout.fnmatch_lines(["*of 12 claims judged together one may look so by chance*"])
    result.stdout.fnmatch_lines(["12 of these figures rest on *: 0 refuted, 1 more would be without that correction"])
    assert record["together"]["uncorrected"] == 1


def test_a_known_refutation_among_many_may_be_accepted_as_either(run, project, unlucky):
    (project.path / "claims" / "known.yml").write_text(
        "schema: known/1\nknown:\n- {claim: unlucky, verdict: [refuted, inconclusive], reason: a misprint}\n"
    )
    result, record = run("-p", "no:xdist", "--mlms-strict")
    assert result.parseoutcomes() == {"passed": 11, "xfailed": 1}
    (case,) = (case for case in record["cases"] if case["claim"] == "unlucky")
    assert (case["verdict"], case["known"]["matched"]) == ("inconclusive", True)

"""Each verdict is an outcome of its own, on a real model in a real worker."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import gpus
import pytest

from pytest_mlmodelscope.plugin.terminal import disturbed

TRUE, FALSE = "89.9 %", "95.0 %"
OTHER_DATA = '{name: digits, relation: other, published: {name: "their digits"}}'
SAMPLE = "{name: digits, relation: sample, published: {items: 50000}}"


@pytest.fixture
def run(project):
    """Runs ``pytest --mlms`` in the project, in a process of its own."""
    return lambda *args: project.runpytest_subprocess("--mlms", "-p", "no:xdist", *args)


def test_a_true_claim_passes_and_the_summary_says_why(run, write_claims, claim):
    write_claims(claim("holds", TRUE))
    result = run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["mlms: *claims: claims; evidence: full*", "*published claims*", "*holds*", "1 confirmed"]
    )


def test_a_false_claim_fails_with_what_a_scientist_asks_for(run, write_claims, claim):
    write_claims(claim("fails", FALSE))
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "REFUTED: fails on onnxruntime *, cpu",
            "  published: 95.0 %  (Notes, line 1, read 2026-11-24)",
            "  measured:  * over all 1,797 items of digits",
            "  interval:  none: a re-run over everything has no sampling error",
            "  tolerance: 0.05 % absolute, half a unit of the last published digit; the claim admits at least 94.95 %",
            "  claim:     claims/digits.yml:7",
            '  repeat:    pytest --mlms "claims/digits.yml::fails-onnxruntime-cpu"',
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_the_command_that_repeats_a_case_repeats_it(run, write_claims, claim):
    write_claims(claim("fails", FALSE), claim("holds", TRUE))
    run("claims/digits.yml::fails-onnxruntime-cpu").assert_outcomes(failed=1)


def test_other_data_are_inconclusive_and_only_strict_runs_fail_for_it(run, write_claims, claim):
    write_claims(claim("elsewhere", TRUE, dataset=OTHER_DATA))
    result = run("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*inconclusive*their digits*"])
    run("--mlms-strict").assert_outcomes(failed=1)


def test_a_sample_too_small_to_decide_is_inconclusive(run, write_claims, claim):
    write_claims(claim("edge", "89.0 %", dataset=SAMPLE))
    result = run("-rs", "--mlms-evidence", "sample:50")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*inconclusive*more items would decide*"])


def test_a_sample_decides_what_is_far_from_the_edge(run, write_claims, claim):
    write_claims(claim("clear", "50 %"), claim("absurd", "99.9 %"))
    run("--mlms-evidence", "sample:200").assert_outcomes(passed=1, failed=1)


def test_hardware_that_is_not_here_is_a_skip_and_fails_only_where_required(run, write_claims, claim):
    write_claims(claim("elsewhere", TRUE, conditions="{hardware: {name: 'No Such Processor'}}"))
    result = run("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*not applicable here*other hardware (name)*"])
    run("--mlms-require", "cpu").assert_outcomes(failed=1)
    run("--mlms-require", "pytorch").assert_outcomes(skipped=1)


def test_a_device_that_the_framework_is_not_driven_on_is_not_applicable(run, project, write_claims, claim):
    models = project.path / "manifests" / "models"
    text = (models / "digits-means.yml").read_text().replace("name: digits-means", "name: code")
    used = "onnxruntime: {assets: {model: graph}}"
    assert used in text
    (models / "code.yml").write_text(text.replace(used, 'python: {entry: "numpy:negative", batch: true}'))
    write_claims(claim("fast", TRUE, model="code", conditions="{hardware: {device: gpu, name: Some}}"))
    run("-rs").stdout.fnmatch_lines(["SKIPPED*not applicable here: no GPU here*"])
    project.makeconftest(
        f"import sys; sys.path.append({str(Path(gpus.__file__).parent)!r}); import gpus, pytest\n"
        "gpus.install(pytest.MonkeyPatch(), gpus.Gpu('Some GPU'))\n"
    )
    run("-rs", "-m", "gpu").stdout.fnmatch_lines(["SKIPPED*Python is not driven on a gpu here*"])


def test_a_broken_model_is_an_error_and_the_others_go_on(run, project, write_claims, claim):
    models = project.path / "manifests" / "models"
    broken = (models / "digits.onnx").read_bytes()[:200]
    (models / "broken.onnx").write_bytes(broken)
    import hashlib

    manifest = (models / "digits-means.yml").read_text()
    line = next(row for row in manifest.splitlines() if "graph:" in row and "path" in row)
    ours = f"  graph: {{path: broken.onnx, sha256: {hashlib.sha256(broken).hexdigest()}, size: 200, license: MIT}}"
    (models / "broken.yml").write_text(manifest.replace(line, ours).replace("name: digits-means", "name: broken"))
    write_claims(claim("torn", TRUE, model="broken"), claim("holds", TRUE))
    result = run()
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["ERROR: torn on onnxruntime*", "*1 confirmed, 1 error"])
    assert "Traceback" not in result.stdout.str()


def test_a_checksum_that_differs_is_an_error_with_file_and_line(run, project, write_claims, claim):
    (project.path / "manifests" / "models" / "digits.onnx").write_bytes(b"something else")
    write_claims(claim("tampered", TRUE))
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["ERROR: tampered*", "*digits-means.yml:*"])


KNOWN = """\
schema: known/1
known:
- claim: fails
  verdict: %s
  reason: the printed figure is a misprint
"""


def test_a_known_refutation_is_an_expected_failure(run, project, write_claims, claim):
    write_claims(claim("fails", FALSE))
    (project.path / "claims" / "known.yml").write_text(KNOWN % "refuted")
    result = run("-rx")
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(
        ["1 of these verdicts accepted by known.yml*", "XFAIL*known to be refuted: the printed figure is a misprint*"]
    )


def test_a_known_refutation_that_is_gone_fails(run, project, write_claims, claim):
    write_claims(claim("fails", TRUE))
    (project.path / "claims" / "known.yml").write_text(KNOWN % "refuted")
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["claims/known.yml:3 accepts refuted (*), but the verdict is now confirmed"])


def test_known_verdicts_do_not_hide_another_one(run, project, write_claims, claim):
    write_claims(claim("fails", FALSE))
    (project.path / "claims" / "known.yml").write_text(KNOWN % "inconclusive")
    run().assert_outcomes(failed=1)


def test_runxfail_shows_the_verdict_as_it_is(run, project, write_claims, claim):
    write_claims(claim("fails", FALSE))
    (project.path / "claims" / "known.yml").write_text(KNOWN % "refuted")
    run("--runxfail").assert_outcomes(failed=1)


def test_several_accepted_verdicts_fit_evidence_on_the_edge(run, project, write_claims, claim):
    write_claims(claim("fails", TRUE))
    (project.path / "claims" / "known.yml").write_text(KNOWN % "[confirmed, inconclusive]")
    run().assert_outcomes(passed=1)


def test_a_latency_claim_rests_on_process_runs(run, write_claims, claim):
    timed = {"metric": "latency", "unit": "ms", "conditions": "{threads: 1, runs: 3, seconds: 0.1}"}
    write_claims(claim("quick", "50000 ms", **timed, tolerance="{absolute: 0}"))
    result = run()
    result.assert_outcomes(passed=1)


def test_what_becomes_of_disturbed_runs_and_cores_is_the_users_choice(run, project, write_claims, claim):
    timed = {"metric": "latency", "unit": "ms", "conditions": "{threads: 1, runs: 2, seconds: 0.05}"}
    write_claims(claim("quick", "50000 ms", **timed, tolerance="{absolute: 0}"))
    run("--mlms-disturbed", "ignore", "--mlms-pin", "off", "--mlms-json", "r.json").assert_outcomes(passed=1)
    (case,) = json.loads((project.path / "r.json").read_text())["mlms"]["cases"]
    assert [run["pinned"] for run in case["watched"]["runs"]] == [[], []]
    assert {run["use"] for run in case["watched"]["runs"]} <= {"used", "ignored"}
    result = run("--mlms-disturbed", "forget")
    result.stderr.fnmatch_lines(["*--mlms-disturbed: expected repeat, mark, ignore, got 'forget'*"])


def test_the_summary_says_once_how_many_runs_were_disturbed():
    quiet, loud = {"use": "used", "why": []}, {"use": "marked", "why": ["others took 80% of the machine"]}
    again = {**loud, "use": "repeated"}
    records = [{"watched": {"runs": [again, loud, quiet]}}, {"watched": None}, {"watched": {"runs": [loud]}}, {}]
    (line,) = disturbed(records)
    assert line.startswith("3 of 4 timed process runs were disturbed: 1 repeated, 2 marked.")
    assert list(disturbed([{"watched": {"runs": [quiet]}}])) == []


def test_static_figures_need_no_data(run, write_claims, claim, model_bytes):
    write_claims(
        claim("size", f"{len(model_bytes)} bytes", metric="file_size", unit="B", direction="equal"),
        claim("count", "650 parameters", metric="parameter_count", unit="parameters", direction="equal"),
    )
    run().assert_outcomes(passed=2)


def test_where_isolation_is_required_and_nothing_can_isolate_no_model_is_run(project, write_claims, claim, monkeypatch):
    # By its name among the modules: the package's attribute may be left over from a run inside this process.
    confinement = importlib.import_module("pytest_mlmodelscope.agent.confinement")
    monkeypatch.setattr(confinement, "LADDER", {"limits": confinement.LADDER["limits"]})
    write_claims(claim("holds", TRUE))

    def run(*args):
        return project.runpytest_inprocess("--mlms", "-p", "no:xdist", "-rs", *args)

    result = run("--mlms-isolation", "required")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*not applicable here*a worker cannot be isolated on this machine*"])
    run("--mlms-isolation", "required", "--mlms-require", "all").assert_outcomes(failed=1)
    run().assert_outcomes(passed=1)

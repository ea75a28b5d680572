"""pytest's own options, and those of plugins that are often there, mean what they always do."""

from __future__ import annotations

import json

import pytest

TRUE, FALSE = "89.9 %", "95.0 %"
TIMED = {"metric": "latency", "unit": "ms", "tolerance": "{absolute: 0}"}


@pytest.fixture
def three(project, write_claims, claim):
    """A claim that holds, one that does not, and a timed one that holds."""
    quick = claim("quick", "50000 ms", **TIMED, conditions="{threads: 1, runs: 2, seconds: 0.01}")
    write_claims(claim("holds", TRUE), claim("fails", FALSE), quick)
    project.makeini("[pytest]\naddopts = --strict-markers --strict-config\nmlms_disturbed = ignore\nmlms_why = off\n")
    return project


@pytest.fixture
def run(three):
    """Runs ``pytest --mlms`` in a process of its own."""
    return lambda *options: three.runpytest_subprocess("--mlms", *options)


def ids(result):
    return [line.partition("::")[2] for line in result.outlines if line.startswith("claims/") and "::" in line]


# -- collecting ---------------------------------------------------------------------------------------


def test_collecting_shows_the_tree_and_measures_nothing(run, three):
    result = run("--collect-only", "--mlms-cache", "cache")
    result.stdout.fnmatch_lines(
        ["*<ClaimFile digits.yml>", "*<ClaimCase holds-onnxruntime-cpu>", "*<ClaimCase fails-onnxruntime-cpu>"]
    )
    assert result.ret == pytest.ExitCode.OK
    assert "published claims" not in result.stdout.str()
    assert not list(three.path.glob("cache/predictions/**/*"))


def test_collecting_quietly_lists_what_can_be_given_back(run):
    listed = ids(run("--co", "-q"))
    assert listed == ["holds-onnxruntime-cpu", "fails-onnxruntime-cpu", "quick-onnxruntime-cpu"]


def test_claims_can_be_left_out_by_their_ids(run):
    result = run("--co", "-q", "--deselect", "claims/digits.yml::fails-onnxruntime-cpu")
    assert ids(result) == ["holds-onnxruntime-cpu", "quick-onnxruntime-cpu"]


def test_files_of_claims_can_be_left_out(run):
    assert run("--co", "-q", "--ignore", "claims/digits.yml").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_what_cannot_be_verified_does_not_hide_the_rest(run, three):
    (three.path / "claims" / "broken.yml").write_text("schema: claim/1\nid: x\n")
    result = run("--continue-on-collection-errors", "-k", "holds")
    result.assert_outcomes(passed=1, errors=1, deselected=2)


# -- how much is shown --------------------------------------------------------------------------------


def test_without_a_terminal_the_outcome_is_the_same(run):
    result = run("-p", "no:terminal", "-k", "holds")
    assert result.ret == pytest.ExitCode.OK
    assert result.stdout.str().strip() == ""


def test_without_a_terminal_a_failure_still_fails(run):
    assert run("-p", "no:terminal", "-k", "fails").ret == pytest.ExitCode.TESTS_FAILED


def test_quietly_the_table_remains(run):
    result = run("-q", "-k", "holds")
    result.stdout.fnmatch_lines(["*published claims*", "1 confirmed", "1 passed, 2 deselected*"])
    assert "mlms: claims" not in result.stdout.str()


def test_very_quietly_there_is_no_table(run):
    result = run("-qq", "-k", "holds")
    assert "published claims" not in result.stdout.str()
    assert result.ret == pytest.ExitCode.OK


def test_verbosely_each_case_has_a_line(run):
    result = run("-vv", "-k", "not quick")
    result.stdout.fnmatch_lines(
        [
            "claims/digits.yml::holds-onnxruntime-cpu PASSED*",
            "claims/digits.yml::fails-onnxruntime-cpu FAILED*",
            "REFUTED: fails on onnxruntime*",
        ]
    )


@pytest.mark.parametrize("style", ["short", "long", "line", "native", "no"])
def test_no_style_of_tracebacks_shows_one_for_a_verdict(run, style):
    result = run(f"--tb={style}", "-k", "fails")
    assert "Traceback" not in result.stdout.str()
    if style != "line":  # pytest 8 prints the first line then, pytest 9 all of them
        assert ("  repeat:" in result.stdout.str()) == (style != "no")


def test_the_slowest_cases_are_listed(run):
    run("--durations=2", "--durations-min=0", "-k", "holds").stdout.fnmatch_lines(
        ["*slowest 2 durations*", "*s call * claims/digits.yml::holds-onnxruntime-cpu"]
    )


def test_what_is_short_says_what_failed_and_where(run):
    run("-rf", "-k", "fails").stdout.fnmatch_lines(
        ["FAILED claims/digits.yml::fails-onnxruntime-cpu - *REFUTED: fails on o*"]
    )


# -- which run and in which order -----------------------------------------------------------------------


@pytest.fixture
def fails_first(three, write_claims, claim):
    """Two claims of which the first fails."""
    write_claims(claim("fails", FALSE), claim("holds", TRUE))


def test_so_many_failures_end_the_run(run, fails_first):
    run("--maxfail=1").assert_outcomes(failed=1)


def test_more_failures_than_there_are_end_nothing(run, fails_first):
    run("--maxfail=2").assert_outcomes(failed=1, passed=1)


def test_stepwise_goes_on_where_it_stopped(run, write_claims, claim, three):
    write_claims(claim("holds", TRUE), claim("fails", FALSE), claim("after", TRUE))
    run("--sw").assert_outcomes(failed=1, passed=1)
    run("--sw").assert_outcomes(failed=1, deselected=1)
    run("--sw", "--sw-skip").assert_outcomes(failed=1, passed=1, deselected=1)


def test_what_failed_comes_first(run, write_claims, claim):
    write_claims(claim("holds", TRUE), claim("fails", FALSE))
    run().assert_outcomes(failed=1, passed=1)
    result = run("--ff", "-v")
    result.stdout.fnmatch_lines(["*::fails-onnxruntime-cpu FAILED*", "*::holds-onnxruntime-cpu PASSED*"])


def test_what_is_new_comes_first(run, write_claims, claim):
    run("-k", "holds").assert_outcomes(passed=1, deselected=2)
    write_claims(claim("later", TRUE), name="z")
    assert ids(run("--nf", "--co", "-q"))[0] == "later-onnxruntime-cpu"


# -- in several processes -------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["load", "loadfile", "worksteal"])
def test_every_way_of_sharing_work_gives_the_same_verdicts(run, how, three):
    result = run("-n", "2", "--dist", how, "--mlms-json", "out.json")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*2 confirmed, 1 refuted"])
    record = json.loads((three.path / "out.json").read_text())
    assert [case["id"] for case in record["mlms"]["cases"]] == [
        "fails-onnxruntime-cpu", "holds-onnxruntime-cpu", "quick-onnxruntime-cpu",
    ]  # fmt: skip


def test_the_first_failure_ends_several_processes_too(run):
    assert run("-n", "2", "-x").ret in {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.TESTS_FAILED}


# -- strictness -----------------------------------------------------------------------------------------


def test_no_warning_is_given_that_could_be_an_error(run):
    result = run("-W", "error")
    result.assert_outcomes(passed=2, failed=1)
    assert "warnings" not in result.parseoutcomes()


def test_a_setting_of_ours_that_is_misspelt_is_refused(run, three):
    three.makeini("[pytest]\naddopts = --strict-config\nmlms_evidense = full\n")
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*mlms_evidense*"])


def test_the_markers_of_targets_and_frameworks_are_known_to_strict_runs(run, three):
    text = "import pytest\n@pytest.mark.gpu\n@pytest.mark.onnxruntime\ndef test_one(): pass\n"
    three.makepyfile(test_marked=text)
    run("test_marked.py").assert_outcomes(passed=1)


# -- pytest-benchmark -----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [["-p", "no:benchmark"], ["-p", "no:benchmark", "-n", "2"]], ids=" ".join)
def test_without_pytest_benchmark_timed_claims_are_verified_all_the_same(run, options, three):
    result = run(*options, "-W", "error", "--mlms-json", "out.json")
    result.assert_outcomes(passed=2, failed=1)
    record = json.loads((three.path / "out.json").read_text())
    (timed,) = (case for case in record["mlms"]["cases"] if case["claim"] == "quick")
    assert (timed["verdict"], len(timed["runs"])) == ("confirmed", 2)
    assert len(timed["latencies_s"]) == timed["n"]


def test_switched_off_it_still_verifies_timed_claims(run):
    result = run("--benchmark-disable")
    result.assert_outcomes(passed=2, failed=1)
    assert "Median" not in result.stdout.str()


def test_only_benchmarks_are_only_timed_claims(run):
    result = run("--benchmark-only")
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines(["*1 confirmed"])


def test_no_benchmarks_are_no_timed_claims(run):
    run("--benchmark-skip").assert_outcomes(passed=1, failed=1, skipped=1)


def test_its_table_shows_what_the_worker_measured(run):
    result = run("-k", "quick", "--benchmark-columns=median,rounds")
    result.stdout.fnmatch_lines(["*Median*Rounds*", "quick-onnxruntime-cpu*"])


def test_its_gate_compares_two_runs(run, three):
    run("-k", "quick", "--benchmark-save=first").assert_outcomes(passed=1, deselected=2)
    result = run("-k", "quick", "--benchmark-compare=0001", "--benchmark-compare-fail=median:100000%")
    result.assert_outcomes(passed=1, deselected=2)
    (saved,) = three.path.glob(".benchmarks/*/0001_first.json")
    data = json.loads(saved.read_text())
    for stats in (entry["stats"] for entry in data["benchmarks"]):
        for name in ("min", "max", "mean", "median"):
            stats[name] /= 1e6
    saved.write_text(json.dumps(data))
    slower = run("-k", "quick", "--benchmark-compare=0001", "--benchmark-compare-fail=median:5%")
    assert slower.ret != pytest.ExitCode.OK
    slower.stderr.fnmatch_lines(["*Performance has regressed*"])


def test_a_timed_claim_that_is_not_applicable_adds_nothing_to_its_file(run, write_claims, claim, three):
    write_claims(claim("gone", "50000 ms", **TIMED, conditions="{hardware: {name: No Such}, runs: 2}"))
    run("--benchmark-json", "bench.json").assert_outcomes(skipped=1)
    path = three.path / "bench.json"
    assert not path.exists() or not path.read_text() or json.loads(path.read_text())["benchmarks"] == []

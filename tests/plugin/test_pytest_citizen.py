"""Cases are pytest functions: what users of pytest expect works."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

TRUE, FALSE = "89.9 %", "95.0 %"


@pytest.fixture
def two(project, write_claims, claim):
    """One claim that holds and one that does not."""
    write_claims(claim("holds", TRUE), claim("fails", FALSE))
    project.makeini("[pytest]\naddopts = --strict-markers\nmlms_disturbed = ignore\nmlms_why = off\n")
    return project


def test_without_the_option_nothing_is_collected_and_nothing_heavy_imported(two):
    two.makepyfile(
        """
        import sys
        def test_imports():
            heavy = {"numpy", "scipy", "sklearn", "onnxruntime", "yaml", "jsonschema", "rich", "requests", "hypothesis"}
            assert not heavy & set(sys.modules)
            assert "pytest_mlmodelscope.plugin.session" not in sys.modules
        """
    )
    result = two.runpytest_subprocess("-p", "no:benchmark", "-p", "no:xdist", "-p", "no:hypothesispytest")
    result.assert_outcomes(passed=1)


def test_ids_are_stable_and_have_no_brackets(two):
    result = two.runpytest_subprocess("--mlms", "--collect-only", "-q")
    result.stdout.fnmatch_lines(
        ["claims/digits.yml::holds-onnxruntime-cpu", "claims/digits.yml::fails-onnxruntime-cpu", "2 tests collected*"]
    )


def test_with_the_option_other_tests_stay_out_unless_named(two):
    two.makepyfile(test_other="def test_other(): pass")
    two.runpytest_subprocess("--mlms", "-k", "holds").assert_outcomes(passed=1, deselected=1)
    two.runpytest_subprocess("--mlms", "test_other.py").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        (["-k", "holds"], 1), (["-k", "digits and not fails"], 1), (["-k", "accuracy and holds"], 1),
        (["-m", "cpu", "-k", "holds"], 1), (["-m", "onnxruntime", "-k", "holds"], 1), (["-m", "gpu"], 0),
        (["claims/digits.yml::holds-onnxruntime-cpu"], 1), (["claims/digits.yml", "-k", "holds"], 1),
        (["--mlms-framework", "onnxruntime", "-k", "holds"], 1), (["--mlms-framework", "pytorch"], 0),
        (["--mlms-target", "cpu", "-k", "holds"], 1),
    ],
)  # fmt: skip
def test_selection(two, arguments, passed):
    result = two.runpytest_subprocess("--mlms", *arguments)
    assert result.parseoutcomes().get("passed", 0) == passed
    assert "failed" not in result.parseoutcomes()


def test_last_failed_runs_only_what_failed(two):
    two.runpytest_subprocess("--mlms").assert_outcomes(passed=1, failed=1)
    two.runpytest_subprocess("--mlms", "--lf").assert_outcomes(failed=1)


def test_the_first_failure_can_end_the_run(two, write_claims, claim):
    write_claims(claim("fails", FALSE), claim("holds", TRUE))
    result = two.runpytest_subprocess("--mlms", "-x")
    result.assert_outcomes(failed=1)


def test_two_processes_give_the_same_record_as_one(two):
    one = two.runpytest_subprocess("--mlms", "--mlms-json", "one.json")
    many = two.runpytest_subprocess("--mlms", "-n", "2", "--mlms-json", "many.json")
    one.assert_outcomes(passed=1, failed=1)
    many.assert_outcomes(passed=1, failed=1)
    many.stdout.fnmatch_lines(["*1 confirmed, 1 refuted"])
    first, second = (json.loads((two.path / name).read_text())["mlms"]["cases"] for name in ("one.json", "many.json"))
    shown = ("id", "verdict", "measured", "n", "predictions")
    assert [{k: case[k] for k in shown} for case in first] == [{k: case[k] for k in shown} for case in second]


@pytest.mark.parametrize("processes", [[], ["-n", "2"]])
def test_junit_holds_the_verdicts_where_its_schema_wants_them(two, processes):
    two.runpytest_subprocess("--mlms", "--junitxml", "out.xml", *processes)
    suite = ElementTree.parse(two.path / "out.xml").getroot().find("testsuite")
    found = {entry.get("name"): entry.get("value") for entry in suite.find("properties")}
    assert found["mlms.fails-onnxruntime-cpu.verdict"] == "refuted"
    assert found["mlms.holds-onnxruntime-cpu.measured"].startswith("90.48")
    assert suite.find("testcase/properties") is None


def test_the_older_family_of_junit_has_them_in_each_test_case(two):
    two.runpytest_subprocess("--mlms", "--junitxml", "out.xml", "-o", "junit_family=xunit1")
    for case in ElementTree.parse(two.path / "out.xml").getroot().iter("testcase"):
        names = [entry.get("name") for entry in case.find("properties")]
        assert "mlms.verdict" in names


def test_fixtures_of_a_conftest_apply_to_claims(two):
    two.makeconftest(
        """
        import dataclasses
        import pytest

        @pytest.fixture(autouse=True)
        def note(request):
            print("seen", request.node.case.claim.id)

        @pytest.fixture
        def mlms_verify(mlms_engine):
            def verify(case):
                result = mlms_engine.verify(case)
                return dataclasses.replace(result, baseline=result.baseline)
            return verify
        """
    )
    result = two.runpytest_subprocess("--mlms", "-s", "-k", "holds")
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["*seen holds*"])


def test_hooks_of_a_conftest_hear_of_every_case(two):
    two.makeconftest(
        """
        def pytest_mlms_case_finished(item, record):
            print("heard", record["id"], record["verdict"])
        """
    )
    result = two.runpytest_subprocess("--mlms", "-s")
    result.stdout.fnmatch_lines(["*heard holds-onnxruntime-cpu confirmed*", "*heard fails-onnxruntime-cpu refuted*"])


def test_settings_may_stand_in_the_configuration(two):
    two.makepyprojecttoml(
        """
        [tool.pytest.ini_options]
        mlms = true
        mlms_evidence = "sample:100"
        mlms_json = "out.json"
        """
    )
    (two.path / "tox.ini").unlink()
    two.runpytest_subprocess("-k", "holds")
    record = json.loads((two.path / "out.json").read_text())
    assert record["mlms"]["cases"][0]["n"] == 100


def test_markers_are_listed_from_the_registries(two):
    result = two.runpytest_subprocess("--mlms", "--markers")
    for name in ("cpu", "gpu", "fpga", "arm", "ppc", "onnxruntime", "pytorch", "tensorflow", "python"):
        result.stdout.fnmatch_lines([f"@pytest.mark.{name}: *"])


MISTAKES = {
    ("--mlms-framework", "pytroch"): ['*no framework is called "pytroch"*', '*did you mean "pytorch"*'],
    ("--mlms-target", "cppu"): ['*no target is called "cppu"*', '*did you mean "cpu"*'],
    ("--mlms-evidence", "some"): ["*expected full, sample:N, sequential or sequential:ERROR*got 'some'*"],
    ("--mlms-evidence", "sample:0"): ["*expected full, sample:N*"],
    ("--mlms-evidence", "sequential:60%"): ["*such as sequential:1%, got 'sequential:60%'*"],
    ("--mlms-evidence", "sequential:little"): ["*expected full, sample:N*"],
    ("--mlms-require", "nothing"): ['*no target or framework is called "nothing"*'],
    ("--mlms-timeout", "soon"): ["*--mlms-timeout: expected a positive number*"],
    ("--mlms-memory", "-1"): ["*--mlms-memory: expected a positive number*"],
    ("--mlms-known", "nowhere.yml"): ["*nowhere.yml: cannot be read*"],
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_a_mistaken_option_is_told_in_a_line(two, arguments):
    result = two.runpytest_subprocess("--mlms", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(MISTAKES[arguments])
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


def test_options_without_the_switch_are_refused(two):
    result = two.runpytest_subprocess("--mlms-json", "x.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--mlms-json does nothing without --mlms*"])


BROKEN = {
    "misspelt key": ("modle: digits-means", '*bad.yml:2: unknown key "modle"*'),
    "unknown model": ("model: digits-mean", '*did you mean "digits-means"*'),
    "unknown dataset": ("dataset: digit", '*did you mean "digits"*'),
}


@pytest.mark.parametrize("mistake", BROKEN)
def test_a_broken_claim_file_is_a_short_collection_error(two, mistake):
    line, expected = BROKEN[mistake]
    key = {"unknown dataset": "dataset: digits"}.get(mistake, "model: digits-means")
    text = (two.path / "claims" / "digits.yml").read_text().replace(key, line).replace("id: ", "id: bad-")
    (two.path / "claims" / "bad.yml").write_text(text)
    result = two.runpytest_subprocess("--mlms")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([expected])
    assert "Traceback" not in result.stdout.str()


def test_a_file_that_stands_among_claims_and_is_none_is_told(two):
    (two.path / "claims" / "typo.yml").write_text("shema: claim/1\n")
    result = two.runpytest_subprocess("--mlms")
    result.stdout.fnmatch_lines(['*typo.yml:1: unknown key "shema"*', '*did you mean "schema"*'])


def test_one_name_in_two_files_is_refused(two):
    claims = two.path / "claims"
    (claims / "twin.yml").write_text((claims / "digits.yml").read_text())
    result = two.runpytest_subprocess("--mlms")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(['*two claims are called "holds"*'])


def test_pytest_benchmark_sees_latencies(two, write_claims, claim):
    timed = {"metric": "latency", "unit": "ms", "conditions": "{threads: 1, runs: 2, seconds: 0.05}"}
    write_claims(claim("quick", "50000 ms", **timed, tolerance="{absolute: 0}"))
    result = two.runpytest_subprocess("--mlms", "--benchmark-json", "bench.json", "--mlms-json", "ours.json")
    result.assert_outcomes(passed=1)
    theirs = json.loads((two.path / "bench.json").read_text())["benchmarks"][0]
    ours = json.loads((two.path / "ours.json").read_text())["benchmarks"][0]
    assert theirs["stats"]["rounds"] == ours["stats"]["rounds"]
    assert theirs["stats"]["median"] == pytest.approx(ours["stats"]["median"], rel=1e-6)
    two.runpytest_subprocess("--mlms", "--benchmark-skip").assert_outcomes(skipped=1)


def test_baselines_are_written_and_judge_the_next_run(two):
    two.runpytest_subprocess("--mlms", "--mlms-record", "-k", "holds").assert_outcomes(passed=1, deselected=1)
    (file,) = (two.path / "baselines").rglob("*.json")
    two.runpytest_subprocess("--mlms", "-k", "holds").assert_outcomes(passed=1, deselected=1)
    baseline = json.loads(file.read_text())
    file.write_text(json.dumps({**baseline, "value": baseline["value"] + 1.0}))
    result = two.runpytest_subprocess("--mlms", "-k", "holds")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["worse than this machine's baseline: * by 1 % (*"])
    elsewhere = file.parent.parent / "another-machine"
    file.parent.rename(elsewhere)
    two.runpytest_subprocess("--mlms", "-k", "holds").assert_outcomes(passed=1, deselected=1)

"""What the configuration file decides about which claims and tests run."""

from __future__ import annotations

import pytest

OWN_TEST = "def test_own(): pass\n"


@pytest.fixture
def mixed(project, write_claims, claim):
    """A project with a test and a claim."""
    write_claims(claim("holds", "89.9 %"))
    tests = project.path / "tests"
    tests.mkdir()
    (tests / "test_own.py").write_text(OWN_TEST)
    return project


@pytest.mark.parametrize(
    ("settings", "arguments", "passed"),
    [
        ("testpaths = tests", [], 1),  # their own tests, no claims
        ("testpaths = tests", ["--mlms"], 1),  # the claims, not their own tests
        ("testpaths = tests\nmlms = true", [], 2),  # both
        ("mlms = true", [], 2),
        ("testpaths = tests claims\nmlms = true", [], 2),
        ("mlms = true", ["tests"], 1),
        ("mlms = true", ["claims"], 1),
    ],
)
def test_the_switch_verifies_claims_alone_and_the_setting_adds_them(mixed, settings, arguments, passed):
    mixed.makeini(f"[pytest]\n{settings}\n")
    mixed.runpytest_subprocess(*arguments).assert_outcomes(passed=passed)


def test_claims_may_stand_elsewhere(mixed):
    (mixed.path / "claims").rename(mixed.path / "published")
    mixed.makeini("[pytest]\nmlms_claims = published\n")
    mixed.runpytest_subprocess("--mlms").assert_outcomes(passed=1)


def test_manifests_may_stand_elsewhere(mixed):
    (mixed.path / "manifests").rename(mixed.path / "described")
    mixed.makeini("[pytest]\nmlms_manifests = described\n")
    mixed.runpytest_subprocess("--mlms").assert_outcomes(passed=1)


def test_a_run_from_another_folder_finds_manifests_beside_the_claims(mixed, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    mixed.runpytest_subprocess("--mlms", str(mixed.path / "claims")).assert_outcomes(passed=1)


def test_a_path_on_the_command_line_is_seen_from_where_one_stands(mixed, monkeypatch):
    monkeypatch.chdir(mixed.path / "tests")
    mixed.runpytest_subprocess("--mlms", "--mlms-json", "out.json", "--rootdir", str(mixed.path))
    assert (mixed.path / "tests" / "out.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "verified"),
    [
        ([], 1),
        (["claims"], 1),
        (["-m", "cpu"], 2),
        (["-k", "digits"], 2),
        (["--mlms-target", "cpu"], 2),
        (["--mlms-framework", "onnxruntime"], 2),
        (["claims/digits.yml::takes_long-onnxruntime-cpu"], 1),
    ],
)
def test_a_claim_on_request_is_verified_only_where_something_was_asked_for(
    project, write_claims, claim, arguments, verified
):
    write_claims(claim("holds", "89.9 %"), claim("takes_long", "89.9 %", on_request="true"))
    result = project.runpytest_subprocess("--mlms", "--collect-only", "-q", *arguments)
    assert sum("::" in line for line in result.outlines) == verified
    assert ("deselected" in result.stdout.str()) == (verified == 1 and arguments in ([], ["claims"]))


def test_what_is_left_out_until_it_is_asked_for_is_counted_with_how_to_ask(project, write_claims, claim):
    write_claims(claim("holds", "89.9 %"), claim("takes_long", "89.9 %", on_request="true"))
    result = project.runpytest_subprocess("--mlms", "-p", "no:xdist")
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["1 confirmed", '1 more are verified on request: -m "cpu", -k or their ids'])

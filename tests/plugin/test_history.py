"""``--mlms-history``: every session leaves a record of its own in a folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def run(project, write_claims, claim):
    write_claims(claim("fine"))

    def make(*arguments):
        return project.runpytest_inprocess("--mlms", *arguments)

    return make


def kept(project):
    return sorted((project.path / "kept").iterdir())


def test_each_session_adds_a_record_and_they_are_a_history(run, project):
    run("--mlms-history", "kept").stdout.fnmatch_lines(["benchmark JSON: kept/*.json"])
    first = kept(project)
    run("--mlms-history", "kept", "--mlms-json", "now.json").assert_outcomes(passed=1)
    assert kept(project)[:1] == first
    assert len(kept(project)) == 2
    records = [json.loads(path.read_text()) for path in kept(project)]
    assert records[1] == json.loads((project.path / "now.json").read_text())
    assert records[0]["datetime"] < records[1]["datetime"]
    mlms = Path(sys.executable).with_name("mlms")
    done = subprocess.run([mlms, "history", "kept"], cwd=project.path, capture_output=True, text=True)
    assert (done.returncode, done.stdout.startswith("2 records, ")) == (0, True)


def test_sessions_at_the_same_time_do_not_meet(run, project):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--mlms", "--mlms-history", "kept"]
    sessions = [subprocess.Popen(command, cwd=project.path, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [session.wait() for session in sessions] == [0, 0]
    assert len(kept(project)) == 2
    assert all(json.loads(path.read_text())["mlms"]["cases"] for path in kept(project))


def test_a_session_that_verifies_nothing_leaves_nothing(run, project):
    run("--mlms-history", "kept", "-k", "nothing")
    assert not (project.path / "kept").exists()


def test_the_setting_and_processes_of_xdist_leave_one(run, project):
    project.makeini("[pytest]\nmlms_history = kept\nmlms_why = off\naddopts = -p no:cacheprovider\n")
    project.runpytest_subprocess("--mlms", "-n2").assert_outcomes(passed=1)
    assert len(kept(project)) == 1


def test_a_file_in_the_folders_place_is_refused(run, project):
    (project.path / "kept").write_text("")
    result = run("--mlms-history", "kept")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--mlms-history: * is a file; name a folder"])

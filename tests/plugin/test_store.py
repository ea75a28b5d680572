"""Every run lands in the store of this machine, once and whole, and fails for no reason that lies there."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from pytest_mlmodelscope.store.canonical import digest_of
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.runs import newest, read
from pytest_mlmodelscope.store.tables import Result


@pytest.fixture
def run(project, write_claims, claim, monkeypatch):
    monkeypatch.delenv("MLMS_STORE")
    write_claims(claim("fine"), claim("too-much", "99.9 %"))

    def make(*arguments):
        return project.runpytest_inprocess("--mlms", *arguments)

    return make


def kept(path):
    with Database(path) as database, database.reading() as session:
        return [read(session, one.digest) for one in newest(session)]


def test_a_run_is_kept_as_it_is_written(run, project):
    result = run("--mlms-store", "kept/r.sqlite", "--mlms-json", "now.json")
    result.assert_outcomes(passed=1, failed=1)
    (found,) = kept(project.path / "kept/r.sqlite")
    written = json.loads((project.path / "now.json").read_text())
    assert digest_of(found) == digest_of(written)
    short = digest_of(written)[:12]
    result.stdout.fnmatch_lines([f"kept as {short}: mlms record show {short}"])


def test_other_processes_leave_one_record_together(run, project):
    run("--mlms-store", "r.sqlite", "-n", "2").assert_outcomes(passed=1, failed=1)
    (found,) = kept(project.path / "r.sqlite")
    assert [case["id"] for case in found["mlms"]["cases"]] == ["fine-onnxruntime-cpu", "too-much-onnxruntime-cpu"]
    with Database(project.path / "r.sqlite") as database, database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Result)) == 2


def test_the_variable_and_the_setting_say_where(run, project, monkeypatch):
    monkeypatch.setenv("MLMS_STORE", str(project.path / "variable.sqlite"))
    run("-k", "fine")
    assert len(kept(project.path / "variable.sqlite")) == 1
    (project.path / "tox.ini").write_text("[pytest]\nmlms_store = setting.sqlite\nmlms_why = off\n")
    run("-k", "fine")
    assert len(kept(project.path / "setting.sqlite")) == 1
    assert len(kept(project.path / "variable.sqlite")) == 1


@pytest.mark.parametrize("off", [["--mlms-store", "off"], ["--collect-only"], ["-k", "nothing"]])
def test_a_run_may_leave_nothing(run, project, monkeypatch, off):
    monkeypatch.setenv("MLMS_STORE", "" if "off" in off else str(project.path / "r.sqlite"))
    result = run("--mlms-cache", "cache", *off)
    assert not (project.path / "r.sqlite").exists()
    assert not (project.path / "cache" / "results.sqlite").exists()
    result.stdout.no_fnmatch_line("kept as *")


def test_it_is_in_the_cache_where_nobody_says_otherwise(run, project):
    run("--mlms-cache", "cache", "-k", "fine")
    assert len(kept(project.path / "cache" / "results.sqlite")) == 1


def test_a_store_that_cannot_be_used_is_a_warning(run, project):
    (project.path / "r.sqlite").write_text("no database at all " * 100)
    result = run("--mlms-store", "r.sqlite", "-k", "fine")
    result.assert_outcomes(passed=1, deselected=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["WARNING: this run is not in *r.sqlite: *not a database*"])


def test_a_run_of_the_gate_is_not_kept(run, project):
    run("--mlms-store", "r.sqlite", "--mlms-aa", "--collect-only")
    assert not (project.path / "r.sqlite").exists()


def test_an_ordinary_run_imports_nothing_of_it(project):
    project.makepyfile(
        "import sys\ndef test_it():\n    assert not {'sqlalchemy', 'alembic', 'cryptography'} & set(sys.modules)\n"
    )
    project.runpytest_subprocess().assert_outcomes(passed=1)

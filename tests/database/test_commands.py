"""``mlms record``, and what ``mlms diff`` and ``mlms history`` take from the store."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from fill import records

from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.record.build import write
from pytest_mlmodelscope.store.canonical import digest_of
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.runs import add, newest

MADE = list(records(9, cases=3))


@pytest.fixture
def mlms(tmp_path, monkeypatch):
    monkeypatch.setenv("MLMS_STORE", str(tmp_path / "results.sqlite"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments, status=0):
        done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
        assert done.exit_code == status, done.output
        return done.output

    return run


@pytest.fixture
def kept(tmp_path):
    with Database(tmp_path / "results.sqlite") as database, database.writing() as session:
        return [add(session, record).digest for record in MADE]


def test_kept_records_are_listed_the_newest_first(mlms, kept):
    rows = json.loads(mlms("record", "list", "--json", "--limit", 3))
    assert [row["digest"] for row in rows] == kept[:-4:-1]
    assert rows[0]["cases"] == sum(rows[0]["verdicts"].values()) == 3
    assert kept[-1][:12] in mlms("record", "list")


def test_an_empty_store_has_none(mlms):
    assert mlms("record", "list") == "none\n"


def test_a_kept_record_is_shown_by_the_beginning_of_its_digest(mlms, kept):
    assert MADE[0]["mlms"]["cases"][0]["id"] in mlms("record", "show", kept[0][:8], "--json")
    assert "begins with" in mlms("record", "show", "00000000", status=2)


def test_show_takes_the_beginning_of_a_digest_as_well(mlms, kept):
    for how in ([], ["--json"], ["--format", "markdown"]):
        assert mlms("show", kept[0][:8], *how) == mlms("record", "show", kept[0][:8], *how)
    assert 'no record\'s digest begins with "00000000"' in mlms("show", "00000000", status=2)


def test_a_name_that_could_be_a_digest_is_the_name_of_a_thing(mlms, kept, tmp_path):
    name = kept[0][:6]
    (tmp_path / "claims").mkdir()
    claim = (
        f"schema: claim/1\nid: '{name}'\nmodel: eld-m\ndataset: eld-big-test\nmetric: accuracy\nvalue: 99\nunit: '%'\n"
    )
    source = "source: {title: A paper, figure: 99 %, where: Table 1, read: '2026-11-20'}\n"
    (tmp_path / "claims" / "mine.yml").write_text(claim + source)
    assert json.loads(mlms("show", name, "--json"))["kind"] == "claim"


def test_records_leave_and_come_back_as_they_were(mlms, kept, tmp_path):
    mlms("record", "export", "--into", "files")
    assert {path.stem for path in (tmp_path / "files").iterdir()} == set(kept)
    assert [row["outcome"] for row in json.loads(mlms("record", "import", "files", "--json"))] == ["there"] * 9
    mlms("record", "remove", *kept)
    rows = json.loads(mlms("record", "import", "files", "--json"))
    assert {(row["digest"], row["outcome"]) for row in rows} == {(digest, "new") for digest in kept}


def test_old_records_are_pruned_and_what_the_matrix_shows_stays(mlms, kept):
    # There are eight kinds of machine: the first and the last record are of the same.
    assert mlms("record", "prune", "--keep", 3, "--dry-run") == f"would remove {kept[0][:12]}\n"
    assert json.loads(mlms("record", "prune", "--older-than", 1, "--keep", 9, "--json")) == []
    assert json.loads(mlms("record", "prune", "--older-than", 1, "--json")) == [kept[0]]
    assert json.loads(mlms("record", "prune", "--keep", 3, "--current", "--json")) == kept[1:-3]
    rows = json.loads(mlms("record", "list", "--json"))
    assert [row["digest"] for row in rows] == kept[:-4:-1]
    assert mlms("record", "prune", "--keep", 3) == "none\n"
    assert "--older-than DAYS" in mlms("record", "prune", status=2)


def test_a_pruned_store_is_smaller(mlms, tmp_path):
    path = tmp_path / "results.sqlite"
    with Database(path) as database, database.writing() as session:
        for made in records(20):
            add(session, made)
    before = path.stat().st_size
    mlms("record", "prune", "--keep", 5, "--current")
    assert path.stat().st_size < before / 2
    with Database(path) as database, database.reading() as session:
        assert len(newest(session, 100)) == 5


@pytest.mark.usefixtures("kept")
def test_a_store_that_somebody_writes_to_is_not_made_smaller(mlms, tmp_path, monkeypatch):
    monkeypatch.setattr("pytest_mlmodelscope.store.database._BUSY_MS", 10)
    with Database(tmp_path / "results.sqlite") as other, other.writing() as session:
        session.connection()  # begins the transaction
        assert "cannot be made smaller: database is locked" in mlms("record", "prune", "--keep", 100, status=2)


def test_what_is_no_record_is_refused_and_the_others_are_kept(mlms, tmp_path):
    write(MADE[0], tmp_path / "files" / "good.json")
    (tmp_path / "files" / "bad.json").write_text("{}")
    rows = json.loads(mlms("record", "import", "files", "--json", status=1))
    assert [(row["outcome"], row["digest"]) for row in rows] == [("refused", ""), ("new", digest_of(MADE[0]))]
    assert "not a record" in rows[0]["why"]


def test_diff_and_history_take_kept_records_beside_files(mlms, kept, tmp_path):
    write(MADE[8], tmp_path / "now.json")
    by_digest = mlms("diff", kept[0][:8], kept[8], "--json", "--fail-on", "none")
    with_file = mlms("diff", kept[0][:8], "now.json", "--json", "--fail-on", "none")
    assert json.loads(by_digest)["worse"] == json.loads(with_file)["worse"]
    assert mlms("history", kept[0], "now.json", "--fail-on", "none").startswith("2 records, ")


def test_a_store_that_is_off_is_said(mlms, monkeypatch):
    monkeypatch.setenv("MLMS_STORE", "off")
    assert "the store of results is off" in mlms("record", "list", status=2)

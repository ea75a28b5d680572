"""The schema of the database: made, brought up to date, refused, on SQLite and on PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from adding import open_it
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from fill import records
from processes import Started
from sqlalchemy import inspect, select, text

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.hub.jobs.queue import submit
from pytest_mlmodelscope.store import migrations
from pytest_mlmodelscope.store.access import new_token
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.runs import add
from pytest_mlmodelscope.store.tables import Base

OPEN = "import sys; from pytest_mlmodelscope.store.database import Database; Database(sys.argv[1]).close()"


def run_sql(address, statement):
    with Database(address) as database, database.writing() as session:
        session.execute(text(statement))


def test_migrations_make_what_the_models_say(database_address):
    with Database(database_address) as database, database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_a_difference_between_them_is_noticed(database_address):
    run_sql(database_address, "DROP INDEX ix_results_of_case")
    with Database(database_address) as database, database.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert [one[0] for one in found] == ["add_index"]


def go_back(address, version):
    with Database(address) as database, database.engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(migrations.HERE))
        config.attributes["connection"] = connection
        command.downgrade(config, version)
        return inspect(connection).get_table_names()


def rows(address, tables):
    """All that is in some tables."""
    with Database(address) as database, database.engine.connect() as connection:
        return {table.name: set(map(repr, connection.execute(select(table)).all())) for table in tables}


def test_the_way_back_leaves_nothing(database_address):
    assert go_back(database_address, "base") == ["alembic_version"]


def test_what_an_older_version_kept_stays_when_it_is_brought_up_to_date(database_address):
    first, second = records(2, cases=3)
    with Database(database_address) as database, database.writing() as session:
        add(session, first)
        new_token(session, "ann", ["admin"])
        submit(session, "verify", {"claim": "made-up"})
    for version in range(int(migrations.newest()) - 1, 0, -1):
        before = rows(database_address, Base.metadata.sorted_tables)
        left = go_back(database_address, f"{version:04}")
        tables = [table for table in Base.metadata.sorted_tables if table.name in left]
        assert {table.name for table in tables} >= {"records", "results", "current", "tokens", "jobs"}
        after = rows(database_address, tables)  # it was opened, and so brought up to date
        assert after == {name: before[name] for name in after}
        assert all(after[name] for name in ("records", "results", "current", "tokens", "jobs"))
    test_migrations_make_what_the_models_say(database_address)
    with Database(database_address) as database, database.writing() as session:
        assert [add(session, record).new for record in (first, second)] == [False, True]


def test_of_processes_that_open_a_new_database_at_once_one_migrates(database_address):
    opened = [Started(open_it, database_address) for _ in range(4)]
    said = "".join(process.rest() for process in opened)
    assert [process.wait() for process in opened] == [0] * 4, said
    assert said.count("Running upgrade") == int(migrations.newest())
    with Database(database_address) as database, database.reading() as session:
        assert session.scalars(text("SELECT version_num FROM alembic_version")).all() == [migrations.newest()]


def test_a_database_that_is_up_to_date_is_opened_without_alembic(tmp_path):
    Database(tmp_path / "r.sqlite").close()
    looking = "; assert 'alembic' not in sys.modules, 'alembic'"
    subprocess.run([sys.executable, "-c", OPEN + looking, str(tmp_path / "r.sqlite")], check=True)


def test_a_database_of_a_newer_version_is_refused(database_address):
    run_sql(database_address, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UsageError, match="a newer version of mlms made this database") as caught:
        Database(database_address)
    assert "9999" in str(caught.value)
    assert "pip install --upgrade" in str(caught.value)


def test_a_database_of_somebody_else_is_refused(tmp_path):
    run_sql(tmp_path / "r.sqlite", "DROP TABLE alembic_version")
    with pytest.raises(UsageError, match="was not made by mlms"):
        Database(tmp_path / "r.sqlite")


def test_the_version_is_that_of_the_last_migration():
    names = sorted(path.name for path in (migrations.HERE / "versions").glob("[0-9]*.py"))
    assert names[-1].startswith(f"{migrations.newest()}_")
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://user:secret@127.0.0.1:1/x", "cannot be opened"),
        ("nothing://x", "cannot be opened"),
        ("://", "no address"),
    ],
)
def test_what_cannot_be_opened_is_said_without_a_password(address, said):
    with pytest.raises(UsageError, match=said) as caught:
        Database(address)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_said(tmp_path):
    path = Path(tmp_path / "text.sqlite")
    path.write_text("no database" * 100)
    with pytest.raises(UsageError, match="not a database"):
        Database(path)

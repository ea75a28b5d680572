"""Records on their way to the real hub, over the network."""

from __future__ import annotations

import json
import threading
import time

import pytest
import uvicorn
from click.testing import CliRunner
from fill import records
from sqlalchemy import func, select

from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.hub.app import create_app
from pytest_mlmodelscope.hub.settings import Settings
from pytest_mlmodelscope.record import keys
from pytest_mlmodelscope.store.access import add_key, new_token
from pytest_mlmodelscope.store.canonical import digest_of
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.runs import add, read
from pytest_mlmodelscope.store.tables import Result

MADE = list(records(3, cases=4))


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The address of a hub that knows this user's key, and its database."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("MLMS_STORE", str(tmp_path / "own.sqlite"))
    with Database(tmp_path / "hub.sqlite") as database:
        with database.writing() as session:
            add_key(session, "me", keys.new().public)
            monkeypatch.setenv("MLMS_TOKEN", new_token(session, "me", ["results:write"]))
        app = create_app(Settings(tmp_path / "hub.sqlite", workers=0))
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.05)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", database
        server.should_exit = True
        thread.join()


def push(address, *arguments):
    done = CliRunner().invoke(cli, ["push", *arguments, "--to", address, "--json"])
    return done.exit_code, json.loads(done.stdout) if done.exit_code < 2 else done.output


def test_what_is_kept_here_is_kept_there_once_and_whole(hub, tmp_path):
    address, database = hub
    with Database(tmp_path / "own.sqlite") as own, own.writing() as session:
        for record in MADE:
            add(session, record)
    for outcome in ("new", "there"):
        status, rows = push(address)
        assert (status, [row["outcome"] for row in rows]) == (0, [outcome] * 3)
    with database.reading() as session:
        assert [read(session, digest_of(record)) for record in MADE] == MADE
        assert session.scalar(select(func.count()).select_from(Result)) == 12


def test_a_key_that_the_hub_does_not_know_is_said(hub, tmp_path):
    address, _ = hub
    keys.new("other")
    (tmp_path / "now.json").write_text(json.dumps(MADE[0]))
    (tmp_path / "before.json").write_text(json.dumps(MADE[1]))
    files = [str(tmp_path / name) for name in ("now.json", "before.json")]
    status, rows = push(address, *files, "--key", "other")
    assert (status, [row["outcome"] for row in rows]) == (1, ["refused"] * 2)
    assert all("403" in row["why"] and "key that is not known here" in row["why"] for row in rows)
    assert "mlms key show" in rows[0]["why"]


def test_a_token_that_may_not_write_records_ends_the_push(hub, tmp_path, monkeypatch):
    address, database = hub
    (tmp_path / "now.json").write_text(json.dumps(MADE[0]))
    with database.writing() as session:
        monkeypatch.setenv("MLMS_TOKEN", new_token(session, "me", ["jobs:write"]))
    status, said = push(address, str(tmp_path / "now.json"))
    assert (status, "results:write" in said, "MLMS_TOKEN" in said) == (2, True, True)

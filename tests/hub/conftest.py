"""Hubs in this process, with everything but the network around them, on one database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from processes import IMPORTED, Started
from telling import mlms

from pytest_mlmodelscope.hub.app import create_app
from pytest_mlmodelscope.hub.settings import Settings
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.store.access import new_token
from pytest_mlmodelscope.store.database import Database

IMPORTED.extend(f"pytest_mlmodelscope.{name}" for name in ("cli.serve", "hub.app", "hub.serving"))


@pytest.fixture(scope="session")
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Where the database of all these hubs lies."""
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="session")
def start(folder, shelf):
    """Starts hubs on one database: ``start(largest_bytes=100)``."""
    started = []

    def start_one(**changes) -> TestClient:
        usual = Settings(folder / "hub.sqlite", shelf, workers=0, behind_s=0)
        client = TestClient(create_app(replace(usual, **changes)), raise_server_exceptions=False)
        started.append(client.__enter__())
        return client

    yield start_one
    for client in started:
        client.__exit__(None, None, None)


@pytest.fixture(scope="session")
def hub(start) -> TestClient:
    return start(writing="100000/minute", guessing="100000/minute")


@pytest.fixture(scope="session")
def database(folder):
    with Database(folder / "hub.sqlite") as opened:
        yield opened


@pytest.fixture(scope="session")
def token(database):
    """Makes tokens: ``token("alice", "results:write")`` is the header that carries it."""

    def make(owner, *scopes, days=None):
        with database.writing() as session:
            return {"Authorization": f"Bearer {new_token(session, owner, scopes, days)}"}

    return make


@pytest.fixture(scope="module")
def serve():
    """Starts hubs, a process each, all at once: ``serve(database, database)`` has for each the process and its
    address.
    """
    started = []

    def start(*databases):
        words = ("serve", "--port", "0", "--workers", "0", "--database")
        hubs = [Started(mlms, *words, database) for database in databases]
        started.extend(hubs)
        return [(hub, hub.stdout.readline().split()[-1]) for hub in hubs]

    yield start
    for hub in started:
        hub.end()

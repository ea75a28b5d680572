"""A hub that is killed while records come in, as when its machine loses power."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fill import records
from sqlalchemy import func, select
from telling import pem

from pytest_mlmodelscope.core.errors import RemoteError
from pytest_mlmodelscope.library.pushing import Hub, push_all
from pytest_mlmodelscope.store.access import add_key, new_token
from pytest_mlmodelscope.store.canonical import digest_of
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.runs import read
from pytest_mlmodelscope.store.tables import Record, Result

SERVE = "from pytest_mlmodelscope.cli.main import main; main()"


@pytest.fixture
def serve(tmp_path):
    """Starts hubs on one database: a process each, and its address."""
    started = []

    def start():
        command = ["serve", "--port", "0", "--workers", "0", "--database", str(tmp_path / "hub.sqlite")]
        hub = subprocess.Popen([sys.executable, "-c", SERVE, *command], stdout=subprocess.PIPE, text=True)
        started.append(hub)
        return hub, hub.stdout.readline().split()[-1]

    yield start
    for hub in started:
        hub.kill()
        hub.wait()
        hub.stdout.close()


def test_a_hub_that_is_killed_amid_pushes_has_everything_once_after_another_push(serve, tmp_path) -> None:
    key, sent = Ed25519PrivateKey.generate(), list(records(40, seed=7, cases=20))
    with Database(tmp_path / "hub.sqlite") as database, database.writing() as session:
        token = new_token(session, "carol", ["results:write"])
        add_key(session, "carol", pem(key))
    hub, address = serve()
    pushed, enough = [], threading.Event()

    def push():
        with Hub(address, token, tries=0) as there:
            try:
                for one in push_all(there, ((record["datetime"], record) for record in sent), key):
                    pushed.append(one)
                    if len(pushed) >= 10:
                        enough.set()
            except RemoteError:
                pass

    pushing = threading.Thread(target=push)
    pushing.start()
    assert enough.wait(60)
    hub.kill()
    pushing.join()
    assert 10 <= len(pushed) < 40
    hub, address = serve()
    with Hub(address, token) as there:
        again = list(push_all(there, ((record["datetime"], record) for record in sent), key))
    assert {one.outcome for one in again[: len(pushed)]} == {"there"}  # what was answered for was not lost
    hub.terminate()
    assert hub.wait(30) == 0
    with Database(tmp_path / "hub.sqlite") as database, database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Record)) == 40
        assert session.scalar(select(func.count()).select_from(Result)) == 40 * 20
        assert [read(session, digest_of(record)) for record in sent] == sent

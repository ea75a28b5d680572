"""A hub, and the server of its database, that are killed while records come in, as when a machine loses power."""

from __future__ import annotations

import threading

import requests
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

KEY = Ed25519PrivateKey.generate()
#: Cases of each record, and how many records are answered for before something is killed.
CASES, BEFORE = 5, 4


class Pushing(threading.Thread):
    """Pushes one record after the other until the hub is no more or ``stop`` is set."""

    def __init__(self, address, token, tries=0):
        super().__init__()
        self.sent, self.pushed, self.error = [], [], None
        self.stop, self._more = threading.Event(), threading.Condition()
        self._hub = Hub(address, token, tries=tries)
        self.start()

    def run(self):
        try:
            with self._hub:
                for one in push_all(self._hub, self._records(), KEY):
                    with self._more:
                        self.pushed.append(one)
                        self._more.notify_all()
        except RemoteError as error:
            self.error = error

    def wait_for(self, count):
        with self._more:
            assert self._more.wait_for(lambda: len(self.pushed) >= count, 60), self.error

    def _records(self):
        for record in records(100_000, seed=7, cases=CASES):
            if self.stop.is_set():
                return
            self.sent.append(record)
            yield record["datetime"], record


def known(address):
    """A token for whoever has the key."""
    with Database(address) as database, database.writing() as session:
        add_key(session, "carol", pem(KEY))
        return new_token(session, "carol", ["results:write"])


def push_again(address, token, sent):
    with Hub(address, token) as there:
        return [one.outcome for one in push_all(there, ((record["datetime"], record) for record in sent), KEY)]


def assert_once_and_whole(address, sent):
    with Database(address) as database, database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Record)) == len(sent)
        assert session.scalar(select(func.count()).select_from(Result)) == len(sent) * CASES
        assert [read(session, digest_of(record)) for record in sent] == sent


def test_a_hub_that_is_killed_amid_pushes_has_everything_once_after_another_push(serve, tmp_path) -> None:
    database = str(tmp_path / "hub.sqlite")
    token = known(database)
    ((hub, address),) = serve(database)
    pushing = Pushing(address, token)
    pushing.wait_for(BEFORE)
    hub.kill()
    pushing.join()
    assert len(pushing.sent) == len(pushing.pushed) + 1  # one was on its way
    ((hub, address),) = serve(database)
    again = push_again(address, token, pushing.sent)
    assert set(again[:-1]) == {"there"}  # what was answered for was not lost
    hub.terminate()
    assert hub.wait(30) == 0
    assert_once_and_whole(database, pushing.sent)


def test_a_hub_whose_database_is_killed_amid_pushes_goes_on_when_it_is_back(serve, postgres) -> None:
    database = postgres.new()
    token = known(database)
    ((hub, address),) = serve(database)
    pushing = Pushing(address, token, tries=8)
    try:
        pushing.wait_for(BEFORE)
        postgres.kill()
        try:
            missing = requests.get(f"{address}/api/records/{'0' * 64}", timeout=60)
        finally:
            postgres.start()
        pushing.wait_for(len(pushing.pushed) + BEFORE)
    finally:
        pushing.stop.set()
        pushing.join()
    assert missing.status_code == 503
    assert pushing.error is None
    assert set(push_again(address, token, pushing.sent)) == {"there"}
    assert hub.wait(0) is None
    assert_once_and_whole(database, pushing.sent)

"""Several hubs on one database of PostgreSQL: what comes to one of them is at the others, and there once."""

from __future__ import annotations

import threading

import pytest
import requests
from adding import hold
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient
from fill import records
from processes import Started, signal
from sqlalchemy import func, select, text
from telling import pem

from pytest_mlmodelscope.hub.app import create_app
from pytest_mlmodelscope.hub.settings import Settings
from pytest_mlmodelscope.library.pushing import Hub, push_all
from pytest_mlmodelscope.store import migrations
from pytest_mlmodelscope.store.access import add_key, new_token, revoke_key
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.runs import add, remove
from pytest_mlmodelscope.store.tables import Record

KEY = Ed25519PrivateKey.generate()
NEWEST = {"cache-control": "no-cache"}


# -- what one process commits while another one holds ---------------------------------------------------------


@pytest.fixture
def watching(postgres_address, shelf):
    """The digests that a hub shows, asked for as a reader would, and its database."""
    with (
        TestClient(create_app(Settings(postgres_address, shelf, behind_s=0))) as hub,
        Database(postgres_address) as own,
    ):

        def shown():
            return {one["record"] for one in hub.get("/api/results").json()["results"]}

        yield shown, own


def test_results_that_were_numbered_first_and_committed_last_are_shown(watching, postgres_address) -> None:
    shown, own = watching
    go_on = signal()
    other = Started(hold, postgres_address, go_on)
    first = other.stdout.readline().strip()
    with own.writing() as session:
        second = add(session, list(records(2, cases=2))[1]).digest
    assert shown() == {second}
    go_on.set()
    other.rest()
    assert shown() == {first, second}


def test_records_that_another_process_removed_are_not_shown(watching) -> None:
    shown, own = watching
    with own.writing() as session:
        first, second = (add(session, record).digest for record in records(2, cases=2))
    assert shown() == {first, second}
    with own.writing() as session:
        remove(session, first)
    assert shown() == {second}


# -- hubs that are processes ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hubs(serve, postgres):
    """The addresses of two hubs that were started at once on an empty database, and the database."""
    address = postgres.new()
    started = serve(address, address)
    with Database(address) as database:
        yield [told for _, told in started], database


@pytest.fixture
def token(hubs):
    with hubs[1].writing() as session:
        add_key(session, "carol", pem(KEY))
        return new_token(session, "carol", ["results:write", "jobs:write"])


def results(address, made):
    """The digests of what a hub has of a record's machine."""
    machine = made["mlms"]["machine"]["machine_class"]
    told = requests.get(f"{address}/api/results", {"machine_class": machine}, headers=NEWEST, timeout=60).json()
    return {one["record"] for one in told["results"]}


def test_hubs_that_start_at_once_make_the_tables_once(hubs) -> None:
    with hubs[1].reading() as session:
        assert session.scalars(text("SELECT version_num FROM alembic_version")).all() == [migrations.newest()]


def test_a_record_that_came_to_one_is_shown_by_the_other(hubs, token) -> None:
    (one, other), _ = hubs
    (made,) = records(1, seed=1, cases=2)
    assert results(other, made) == set()
    with Hub(one, token) as there:
        (pushed,) = push_all(there, [("", made)], KEY)
    assert pushed.outcome == "new"
    assert results(other, made) == results(one, made) == {pushed.digest}
    with Hub(other, token) as there:
        assert [pushed.outcome for pushed in push_all(there, [("", made)], KEY)] == ["there"]


def test_records_that_come_to_both_at_once_are_there_once(hubs, token) -> None:
    addresses, database = hubs
    made = [("", record) for record in records(6, seed=2, cases=5)]
    came = []

    def push(address, ordered):
        with Hub(address, token) as there:
            came.extend(push_all(there, ordered, KEY))

    pushing = [threading.Thread(target=push, args=pair) for pair in zip(addresses, (made, made[::-1]), strict=True)]
    for thread in pushing:
        thread.start()
    for thread in pushing:
        thread.join()
    assert sorted(one.outcome for one in came) == ["new"] * 6 + ["there"] * 6
    with database.reading() as session:
        count = select(func.count()).where(Record.digest.in_({one.digest for one in came}))
        assert session.scalar(count) == 6


def test_what_one_is_told_to_refuse_the_other_refuses(hubs, token) -> None:
    (one, other), database = hubs
    key, mine = Ed25519PrivateKey.generate(), {"authorization": f"Bearer {token}"}
    made = requests.post(f"{one}/api/keys", json={"public": pem(key)}, headers=mine, timeout=60).json()
    (first, second) = (("", record) for record in records(2, seed=3, cases=1))
    with Hub(other, token) as there:
        assert [pushed.outcome for pushed in push_all(there, [first], key)] == ["new"]
        with database.writing() as session:
            revoke_key(session, made["fingerprint"])
        assert [pushed.outcome for pushed in push_all(there, [second], key)] == ["refused"]


def test_a_key_that_is_registered_at_both_at_once_is_there(hubs, token) -> None:
    addresses, _ = hubs
    keys, answers = [pem() for _ in range(5)], []

    def register(address):
        mine = {"authorization": f"Bearer {token}"}
        answers.extend(
            requests.post(f"{address}/api/keys", json={"public": key}, headers=mine, timeout=60) for key in keys
        )

    registering = [threading.Thread(target=register, args=[address]) for address in addresses]
    for thread in registering:
        thread.start()
    for thread in registering:
        thread.join()
    assert len(answers) == 10
    assert {answer.status_code for answer in answers} <= {200, 201}, [answer.text for answer in answers]


def test_a_job_that_one_was_asked_for_is_told_and_cancelled_by_the_other(hubs, token) -> None:
    (one, other), _ = hubs
    asked = {"kind": "predict", "model": "eld-m", "input": {"text": "bonjour"}}
    mine = {"authorization": f"Bearer {token}"}
    job = requests.post(f"{one}/api/jobs", json=asked, headers=mine, timeout=60)
    assert job.status_code == 202, job.text
    place = f"/api/jobs/{job.json()['id']}"
    assert requests.get(other + place, timeout=60).json()["state"] == "queued"
    assert requests.post(f"{other}{place}/cancel", headers=mine, timeout=60).json()["state"] == "cancelled"
    assert requests.get(one + place, timeout=60).json()["state"] == "cancelled"

"""Records that come in: the right ones once and whole, the others not at all."""

from __future__ import annotations

import json
import select
import socket
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fill import records
from sqlalchemy import event
from telling import pem, problem

from pytest_mlmodelscope.hub.receiving import SMALL
from pytest_mlmodelscope.record.envelope import sign, written
from pytest_mlmodelscope.store.access import new_token
from pytest_mlmodelscope.store.database import Database


@pytest.fixture(scope="module")
def private(hub, token) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    assert hub.post("/api/keys", json={"public": pem(key)}, headers=token("carol", "results:write")).status_code == 201
    return key


@pytest.fixture
def push(hub, token, private):
    """Sends an envelope, or some bytes."""

    def send(envelope, owner="carol", **headers):
        body = envelope if isinstance(envelope, bytes) else written(envelope)
        headers = {"content-type": "application/json", **token(owner, "results:write"), **headers}
        return hub.post("/api/records", content=body, headers=headers)

    return send


@pytest.fixture
def record(request):
    """A record that no other test sends."""
    (found,) = records(1, seed=abs(hash(request.node.name)) % 10**6, cases=3)
    return found


def test_a_record_is_here_once_and_whole(push, hub, record, private) -> None:
    before = hub.get("/api/results").json()["results"]
    first = push(sign(record, private))
    assert (first.status_code, first.json()["new"]) == (201, True)
    digest = first.json()["digest"]
    assert hub.get(first.headers["location"]).json() == record
    assert hub.head(f"/api/records/{digest}").status_code == 200
    shown = hub.get("/api/results").json()["results"]
    assert [one["case"] for one in shown[:3]] == [case["id"] for case in reversed(record["mlms"]["cases"])]
    assert {one["record"] for one in shown[:3]} == {digest}
    assert shown[3:] == before[: len(shown) - 3]


def test_a_record_may_be_sent_again(push, hub, record, private) -> None:
    envelope = sign(record, private)
    push(envelope)
    count = len(hub.get("/api/results?limit=500").json()["results"])
    again, anew = push(envelope), push(sign(record, private))
    assert [(answer.status_code, answer.json()["new"]) for answer in (again, anew)] == [(200, False)] * 2
    assert len(hub.get("/api/results?limit=500").json()["results"]) == count


def test_whoever_reads_a_record_can_see_who_signed_it(push, hub, record, private) -> None:
    envelope = sign(record, private)
    digest = push(envelope).json()["digest"]
    assert hub.get(f"/api/records/{digest}/envelope").json() == json.loads(written(envelope))


def test_a_record_never_changes_and_may_be_kept(push, hub, record, private) -> None:
    place = push(sign(record, private)).headers["location"]
    first = hub.get(place)
    assert "immutable" in first.headers["cache-control"]
    assert hub.get(place, headers={"if-none-match": first.headers["etag"]}).status_code == 304


def test_somebody_else_may_not_send_the_same(push, hub, token, record, private) -> None:
    push(sign(record, private))
    other = Ed25519PrivateKey.generate()
    hub.post("/api/keys", json={"public": pem(other)}, headers=token("mallory", "results:write"))
    problem(push(sign(record, other), owner="mallory"), 409)


def test_a_key_speaks_for_its_owner_alone(push, record, private) -> None:
    told = problem(push(sign(record, private), owner="mallory"), 403)
    assert "owner" in told["detail"]


def test_an_unknown_key_speaks_for_nobody(push, record) -> None:
    problem(push(sign(record, Ed25519PrivateKey.generate())), 403)


def test_a_revoked_key_speaks_for_nobody(push, hub, token, record) -> None:
    key, mine = Ed25519PrivateKey.generate(), token("carol", "results:write")
    card = hub.post("/api/keys", json={"public": pem(key)}, headers=mine).json()
    hub.post(f"/api/keys/{card['fingerprint']}/revoke", headers=mine)
    problem(push(sign(record, key)), 403)


def test_what_was_altered_is_refused(push, hub, record, private) -> None:
    envelope = sign(record, private)
    envelope["record"]["mlms"]["cases"][0]["verdict"] = "confirmed-by-me"
    problem(push(envelope), 403)
    assert hub.get(f"/api/records/{envelope['seal']['digest']}").status_code == 404


@pytest.mark.parametrize("part", ["digest", "key", "signature", "signed", "to"])
def test_a_seal_that_was_altered_is_refused(push, record, private, part) -> None:
    envelope = sign(record, private)
    envelope["seal"][part] = datetime.now(UTC).isoformat() if part == "signed" else "0" * 64
    assert push(envelope).status_code == 403


@pytest.mark.parametrize("age", [timedelta(days=2), -timedelta(hours=1)])
def test_an_envelope_of_another_time_is_refused(push, record, private, age) -> None:
    problem(push(sign(record, private, now=datetime.now(UTC) - age)), 403)


def test_an_envelope_for_another_hub_is_refused(start, token, record, private) -> None:
    hub = start(address="https://hub.example")
    headers = {"content-type": "application/json", **token("carol", "results:write")}
    other = written(sign(record, private, to="https://other.example"))
    problem(hub.post("/api/records", content=other, headers=headers), 403)
    own = written(sign(record, private, to="https://hub.example"))
    assert hub.post("/api/records", content=own, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "changed",
    [
        lambda record: record.pop("mlms"),
        lambda record: record["mlms"].update(schema_version=2),
        lambda record: record["mlms"].update(machine=[]),
        lambda record: record["mlms"]["cases"][0].pop("claim"),
        lambda record: record["mlms"]["cases"][0].update(verdict="excellent"),
        lambda record: record["mlms"]["cases"][0].update(model="m" * 300),
        lambda record: record["mlms"]["cases"].append(record["mlms"]["cases"][0]),
        lambda record: record["mlms"]["machine"].pop("machine_class"),
        lambda record: record.update(datetime="yesterday"),
        lambda record: record.update(datetime=(datetime.now(UTC) + timedelta(hours=1)).isoformat()),
    ],
)
def test_a_record_that_cannot_be_so_is_refused_though_it_is_signed(push, hub, record, private, changed) -> None:
    changed(record)
    envelope = sign(record, private)
    problem(push(envelope), 422)
    assert hub.get(f"/api/records/{envelope['seal']['digest']}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"envelope": 1}', b"\xff", b"[" * 100_000, b'{"record": NaN}', b'{"a": 1, "a": 2}'],
)
def test_what_is_no_envelope_is_refused(push, body) -> None:
    problem(push(body), 422)


def test_an_envelope_of_another_form_is_refused(push, record, private) -> None:
    problem(push(sign(record, private), **{"content-type": "text/plain"}), 415)


def test_what_is_too_large_is_refused(start, token, record, private) -> None:
    hub = start(largest_bytes=1000)
    headers = {"content-type": "application/json", **token("carol", "results:write")}
    problem(hub.post("/api/records", content=written(sign(record, private)), headers=headers), 413)


def test_a_hub_that_has_no_room_left_says_so_and_keeps_nothing(start, hub, token, private) -> None:
    full = start()
    engine = full.app.state.database.engine
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 1"))
    engine.dispose()
    (record,) = records(1, seed=507, cases=100)
    envelope = sign(record, private)
    headers = {"content-type": "application/json", **token("carol", "results:write")}
    told = problem(full.post("/api/records", content=written(envelope), headers=headers), 507)
    assert "no room left" in told["detail"]
    assert hub.get(f"/api/records/{envelope['seal']['digest']}").status_code == 404


# -- large ones, which are read by a process of their own -----------------------------------------------------------


@pytest.fixture
def large(record):
    """A record of more than a small envelope holds."""
    record["mlms"]["cases"][0]["latencies_s"] = [1 / (3 + at) for at in range(SMALL // 16)]
    return record


def test_a_large_record_is_here_once_and_whole(push, hub, large, private) -> None:
    envelope = sign(large, private)
    assert len(written(envelope)) > SMALL
    first, again = push(envelope), push(envelope)
    assert [(answer.status_code, answer.json()["new"]) for answer in (first, again)] == [(201, True), (200, False)]
    assert hub.get(first.headers["location"]).json() == large
    assert hub.get("/api/results").json()["results"][0]["record"] == first.json()["digest"]


def test_a_large_record_is_refused_for_the_same_reasons(push, large, private) -> None:
    assert "not known here" in problem(push(sign(large, Ed25519PrivateKey.generate())), 403)["detail"]
    assert "owner" in problem(push(sign(large, private), owner="mallory"), 403)["detail"]
    large["mlms"]["cases"][0]["verdict"] = "excellent"
    assert "schema" in problem(push(sign(large, private)), 422)["detail"]


@pytest.fixture(scope="module")
def served(serve, tmp_path_factory):
    """The address of a hub that is a process, and a token that may send records there."""
    place = str(tmp_path_factory.mktemp("served") / "hub.sqlite")
    with Database(place) as database, database.writing() as session:
        token = new_token(session, "carol", ["results:write"])
    ((_, address),) = serve(place)
    return address, token


def test_who_may_not_write_makes_nobody_read(hub, token) -> None:
    def too_much():
        for _ in range(40):
            yield b" " * 2**20

    headers = {"content-type": "application/json"}
    problem(hub.post("/api/records", content=too_much(), headers=headers), 401)
    problem(hub.post("/api/records", content=too_much(), headers={**headers, **token("alice", "jobs:write")}), 403)


def test_others_are_answered_while_a_hostile_record_is_read(served) -> None:
    """A parser keeps all threads of its process waiting until it has come to the end, which here is missing."""
    address, token = served
    body = b"[" + b"[]," * (4 * 2**20)
    place = urlsplit(address)
    lines = ["POST /api/records HTTP/1.1", f"Host: {place.netloc}", f"Authorization: Bearer {token}"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close", "", ""]
    answered = 0
    with socket.create_connection((place.hostname, place.port), timeout=120) as connection, requests.Session() as other:
        connection.sendall("\r\n".join(lines).encode() + body)
        while not select.select([connection], [], [], 0)[0]:
            assert other.get(f"{address}/health", timeout=60).status_code == 200
            answered += 1
        assert connection.recv(100).startswith(b"HTTP/1.1 422")
    assert answered >= 5


def test_records_and_results_go_on_page_by_page(push, hub, private) -> None:
    for one in records(3, seed=77, cases=2):
        push(sign(one, private))
    for what, key in (("results", "id"), ("records", "digest")):
        whole = hub.get(f"/api/{what}?limit=500").json()[what]
        seen, address = [], f"/api/{what}?limit=2"
        while address:
            part = hub.get(address)
            seen += part.json()[what]
            address = part.json()["next"]
            assert (address or "") in part.headers.get("link", "")
        assert [one[key] for one in seen] == [one[key] for one in whole]


def test_results_are_filtered(push, hub, private) -> None:
    for one in records(2, seed=99, cases=20):
        push(sign(one, private))
    whole = hub.get("/api/results?limit=500").json()["results"]
    for name in ("model", "claim", "framework", "target", "machine_class", "metric", "verdict"):
        value = whole[0][name]
        found = hub.get("/api/results", params={name: value, "limit": 500}).json()["results"]
        assert found == [one for one in whole if one[name] == value]
    assert hub.get("/api/results?since=2050-01-01T00:00:00Z").json()["results"] == []


def test_the_matrix_and_two_machines_are_told_to_programs(push, hub, private) -> None:
    for one in records(2, seed=123, cases=4):
        push(sign(one, private))
    matrix = hub.get("/api/matrix").json()
    assert matrix["count"] == len(matrix["rows"])
    assert sum(total["count"] for total in matrix["totals"])
    a, b = (machine["machine_class"] for machine in hub.get("/api/machines").json()[:2])
    both = hub.get("/api/machines/compare", params={"a": a, "b": b}).json()
    assert both["pairs"]
    problem(hub.get("/api/machines/compare", params={"a": a, "b": "none"}), 404)

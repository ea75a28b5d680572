"""What REST tells of models, claims, keys, and of what goes wrong."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from sqlalchemy.exc import OperationalError
from telling import pem, problem

from pytest_mlmodelscope.store.access import writer_of


@pytest.fixture
def mine(token):
    return token("alice", "results:write")


def test_models_are_searched_and_shown(hub) -> None:
    found = hub.get("/api/models", params={"text": "language", "framework": "python"}).json()
    assert {card["name"] for card in found} >= {"eld-m", "cld2"}
    card = hub.get("/api/models/eld-m").json()
    assert card["file"] == "eld.yml" or "/" not in card["file"]


def test_claims_are_searched_and_shown_with_their_source(hub) -> None:
    found = hub.get("/api/claims", params={"model": "eld-m"}).json()
    assert {card["model"] for card in found} == {"eld-m"}
    card = hub.get(f"/api/claims/{found[0]['id']}").json()
    assert card["source"]["title"]
    assert "/" not in card["file"]


@pytest.mark.parametrize(("path", "near"), [("/api/models/eld-mm", "eld-m"), ("/api/claims/magika-acuracy", "magika")])
def test_a_name_that_is_none_is_answered_with_the_nearest(hub, path, near) -> None:
    assert near in problem(hub.get(path), 404)["hint"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nothing", 404),
        ("DELETE", "/api/models", 405),
        ("GET", "/api/results?limit=0", 422),
        ("GET", "/api/results?verdict=good", 422),
        ("GET", "/api/results?since=yesterday", 422),
        ("GET", "/api/results?since=2026-01-01T00:00:00", 422),
        ("GET", "/api/results?model=%00", 422),
        ("GET", f"/api/results?model={'a' * 300}", 422),
        ("GET", "/api/records/xyz", 422),
        ("GET", f"/api/records/{'0' * 64}", 404),
        ("GET", f"/api/records?after={'0' * 64}", 404),
        ("GET", f"/api/keys/{'0' * 64}", 404),
    ],
)
def test_mistakes_are_told_in_one_form(hub, method, path, status) -> None:
    told = problem(hub.request(method, path), status)
    assert status != 422 or told["errors"][0]["at"]


def test_people_are_told_by_a_page(hub) -> None:
    answer = hub.get("/<script>")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "Not Found" in answer.text


def test_the_head_of_a_record_says_whether_it_is_here(hub) -> None:
    answer = hub.head(f"/api/records/{'0' * 64}")
    assert answer.status_code == 404


def test_health_asks_the_database(hub, monkeypatch) -> None:
    assert hub.get("/health").json() == {"status": "ok"}

    def gone(*_):
        raise OperationalError("select", {}, Exception("server closed the connection"))

    monkeypatch.setattr("sqlalchemy.orm.Session.execute", gone)
    answer = hub.get("/health")
    problem(answer, 503)
    assert answer.headers["retry-after"]


# -- tokens -----------------------------------------------------------------------------------


def test_only_a_digest_of_a_token_is_kept(database, token, folder) -> None:
    text = token("alice", "admin")["Authorization"].removeprefix("Bearer ")
    kept = b"".join(path.read_bytes() for path in folder.iterdir())
    assert hashlib.sha256(text.encode()).hexdigest().encode() in kept
    assert text.encode() not in kept
    with database.reading() as session:
        assert writer_of(session, text).owner == "alice"
        assert writer_of(session, text[:-1]) is None


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Bearer mlms_unknown", 401),
        ("Bearer \xff", 401),
        ("Basic YTpi", 401),
        ("mlms", 401),
    ],
)
def test_nobody_writes_without_a_token(hub, header, status) -> None:
    headers = {} if header is None else {"authorization": header.encode("latin-1")}
    answer = hub.post("/api/keys", json={"public": pem()}, headers=headers)
    problem(answer, status)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_is_good_for_its_scopes_alone(hub, token) -> None:
    told = problem(hub.post("/api/keys", json={"public": pem()}, headers=token("alice", "jobs:write")), 403)
    assert "results:write" in told["detail"]


def test_a_token_too_old_is_good_for_nothing(hub, token) -> None:
    problem(hub.post("/api/keys", json={"public": pem()}, headers=token("alice", "admin", days=0)), 401)


# -- keys -------------------------------------------------------------------------------------


def test_an_owner_registers_keys_of_their_own(hub, mine) -> None:
    public = pem()
    first = hub.post("/api/keys", json={"public": public}, headers=mine)
    assert first.status_code == 201
    assert hub.get(first.headers["location"]).json() == first.json()
    again = hub.post("/api/keys", json={"public": public}, headers=mine)
    assert (again.status_code, again.json()) == (200, first.json())
    assert first.json() in hub.get("/api/keys").json()
    assert first.json()["owner"] == "alice"


def test_only_an_admin_registers_keys_for_others(hub, mine, token) -> None:
    asked = {"public": pem(), "owner": "bob"}
    problem(hub.post("/api/keys", json=asked, headers=mine), 403)
    assert hub.post("/api/keys", json=asked, headers=token("root", "admin")).json()["owner"] == "bob"


def test_a_key_of_somebody_else_stays_theirs(hub, mine, token) -> None:
    public = pem()
    card = hub.post("/api/keys", json={"public": public}, headers=mine).json()
    others = token("bob", "results:write")
    problem(hub.post("/api/keys", json={"public": public}, headers=others), 409)
    problem(hub.post(f"/api/keys/{card['fingerprint']}/revoke", headers=others), 403)


def test_a_revoked_key_stays_revoked(hub, mine) -> None:
    public = pem()
    card = hub.post("/api/keys", json={"public": public}, headers=mine).json()
    revoked = hub.post(f"/api/keys/{card['fingerprint']}/revoke", headers=mine).json()
    assert revoked["revoked"]
    problem(hub.post("/api/keys", json={"public": public}, headers=mine), 409)


@pytest.mark.parametrize("public", ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "\x00"])
def test_what_is_no_key_is_refused(hub, mine, public) -> None:
    problem(hub.post("/api/keys", json={"public": public}, headers=mine), 400)


def test_a_key_of_another_kind_is_refused(hub, mine) -> None:
    told = problem(hub.post("/api/keys", json={"public": pem(generate_private_key(65537, 1024))}, headers=mine), 400)
    assert "Ed25519" in told["expected"]


def test_a_document_that_is_too_deep_is_refused(hub, mine) -> None:
    headers = {**mine, "content-type": "application/json"}
    problem(hub.post("/api/keys", content=b"[" * 100_000, headers=headers), 400)


# -- the description --------------------------------------------------------------------------


def test_every_operation_is_described_with_how_it_fails(hub) -> None:
    described = hub.get("/openapi.json").json()
    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["responses"]["429"]["content"]["application/problem+json"]
            assert "security" in operation or "401" not in operation["responses"], path


def test_a_page_shows_every_operation(hub) -> None:
    shown = hub.get("/docs")
    assert shown.status_code == 200
    for path in hub.get("/openapi.json").json()["paths"]:
        assert path in shown.text


def test_datasets_frameworks_and_targets_are_told(hub) -> None:
    assert any(card["splits"] and card["claims"] for card in hub.get("/api/datasets").json())
    assert "onnxruntime" in [card["name"] for card in hub.get("/api/frameworks").json()]
    assert "cpu" in [card["name"] for card in hub.get("/api/targets").json()]

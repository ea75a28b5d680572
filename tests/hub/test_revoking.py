"""What ``mlms token revoke`` and ``mlms hub key revoke`` revoke is refused by a hub that runs."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fill import records
from telling import pem, problem

from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.record.envelope import sign, written


@pytest.fixture
def mlms(folder):
    """Runs a command on the database of the hub."""

    def run(*arguments, given=None) -> str:
        done = CliRunner().invoke(cli, [*arguments, "--database", str(folder / "hub.sqlite")], input=given)
        assert done.exit_code == 0, done.output
        return done.stdout

    return run


def send(hub, token, envelope):
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    return hub.post("/api/records", content=written(envelope), headers=headers)


def test_a_revoked_token_writes_nothing_and_others_still_do(hub, mlms) -> None:
    key, (first, second) = Ed25519PrivateKey.generate(), records(2, seed=11, cases=2)
    mlms("hub", "key", "add", "dora", "-", given=pem(key))
    token = mlms("token", "new", "dora", "--scope", "results:write").strip()
    assert send(hub, token, sign(first, key)).status_code == 201
    (row,) = (row for row in json.loads(mlms("token", "list", "--json")) if row["owner"] == "dora")
    other = mlms("token", "new", "dora", "--scope", "results:write").strip()
    mlms("token", "revoke", row["id"])
    problem(send(hub, token, sign(second, key)), 401)
    assert send(hub, other, sign(second, key)).status_code == 201


def test_a_revoked_key_signs_nothing_more_and_what_it_signed_stays(hub, mlms) -> None:
    key, (first, second) = Ed25519PrivateKey.generate(), records(2, seed=12, cases=2)
    token = mlms("token", "new", "emil", "--scope", "results:write").strip()
    fingerprint, _, owner = mlms("hub", "key", "add", "emil", "-", given=pem(key)).split()
    assert owner == "emil"
    kept = send(hub, token, sign(first, key))
    assert kept.status_code == 201
    mlms("hub", "key", "revoke", fingerprint[:12])
    problem(send(hub, token, sign(second, key)), 403)
    assert hub.get(kept.headers["location"]).json() == first

"""Signed records: taken when they are what was signed by a key that is trusted; else refused, and said why."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fill import records

from pytest_mlmodelscope.core.errors import DocumentError, SignatureError
from pytest_mlmodelscope.record import envelope as module
from pytest_mlmodelscope.record.envelope import fingerprint, opened, public_key, public_pem, resealed, sign, written
from pytest_mlmodelscope.store.canonical import canonical, digest_of

KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
HUB = "https://hub.example"


@dataclass
class Known:
    public: str
    revoked: datetime | None = None


KNOWN = {fingerprint(key.public_key()): Known(public_pem(key.public_key())) for key in (KEY, OTHER)}


@pytest.fixture(scope="module")
def record():
    return next(records(1, cases=2))


@pytest.fixture
def sealed(record):
    return json.loads(written(sign(record, KEY, to=HUB)))


def test_a_record_arrives_as_it_was_signed(record):
    found = opened(written(sign(record, KEY)), KNOWN.get)
    assert found.record == record
    assert found.digest == digest_of(record)
    assert found.key == fingerprint(KEY.public_key())
    again = opened(resealed(found.record, found.seal), KNOWN.get)
    assert again == found


def test_a_number_that_is_whole_and_large_does_not_break_it(record):
    changed = {**record, "mlms": {**record["mlms"], "settings": {"large": 1e17, "larger": 2**64, "point": 1.0}}}
    assert opened(written(sign(changed, KEY)), KNOWN.get).digest == digest_of(changed)


def forge_with_another_key(sealed):
    sealed["seal"] = {**sign(sealed["record"], OTHER, to=HUB)["seal"], "key": sealed["seal"]["key"]}


def replay_as_another_record(sealed):
    sealed["record"]["datetime"] = "2020-01-02T00:00:00+00:00"
    sealed["seal"]["digest"] = digest_of(sealed["record"])


def replay_another_kind_of_statement(sealed):
    """The owner signed something else that reads the same: a statement of another type."""
    statement = {name: value for name, value in sealed["seal"].items() if name != "signature"}
    body = canonical(statement)
    for said in (body, b"DSSEv1 4 text %d %b" % (len(body), body)):
        sealed["seal"]["signature"] = base64.b64encode(KEY.sign(said)).decode()
        with pytest.raises(SignatureError, match="not signed by the key"):
            opened(sealed, KNOWN.get)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (forge_with_another_key, "not signed by the key"),
        (lambda sealed: sealed["record"]["mlms"]["cases"][0].update(measured=99.9), "not the one that was signed"),
        (lambda sealed: sealed["record"].update(extra=1), "not the one that was signed"),
        (replay_as_another_record, "not signed by the key"),
        (replay_another_kind_of_statement, "not signed by the key"),
        (lambda sealed: sealed["seal"].update(signed="2020-01-01T00:00:00+00:00"), "not signed by the key"),
        (lambda sealed: sealed["seal"].update(to=None), "not signed by the key"),
        (lambda sealed: sealed["seal"].update(signature="AAAA"), "not signed by the key"),
        (lambda sealed: sealed["seal"].update(signature="*"), "not signed by the key"),
        (lambda sealed: sealed["seal"].update(key="0" * 64), "not known here"),
    ],
)
def test_what_is_not_what_was_signed_is_refused(sealed, change, said):
    change(sealed)
    with pytest.raises(SignatureError, match=said):
        opened(sealed, KNOWN.get)


def test_a_key_under_another_name_is_refused(record):
    sealed = sign(record, OTHER)
    sealed["seal"]["key"] = fingerprint(KEY.public_key())
    statement = {name: value for name, value in sealed["seal"].items() if name != "signature"}
    sealed["seal"]["signature"] = base64.b64encode(OTHER.sign(module._encoded(statement))).decode()
    with pytest.raises(SignatureError, match="another key than it says"):
        opened(sealed, lambda named: Known(public_pem(OTHER.public_key())))


def test_a_revoked_key_is_refused_whenever_it_signed(sealed):
    revoked = Known(public_pem(KEY.public_key()), revoked=datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(SignatureError, match="not trusted any more"):
        opened(sealed, lambda named: revoked)


def test_a_seal_for_another_hub_is_refused(sealed):
    assert opened(sealed, KNOWN.get, to=HUB)
    with pytest.raises(SignatureError, match="sealed for another hub"):
        opened(sealed, KNOWN.get, to="https://other.example")


def test_an_envelope_that_was_kept_for_later_is_refused(record):
    old = sign(record, KEY, now=datetime.now(UTC) - timedelta(days=2))
    with pytest.raises(SignatureError, match="signed too long ago"):
        opened(old, KNOWN.get)
    assert opened(old, KNOWN.get, fresh=None)


def test_an_envelope_of_tomorrow_is_refused(record):
    with pytest.raises(SignatureError, match="later than now"):
        opened(sign(record, KEY, now=datetime.now(UTC) + timedelta(days=1)), KNOWN.get)


def test_a_record_that_breaks_its_schema_is_refused_though_signed(record):
    broken = {**record, "mlms": {**record["mlms"], "schema_version": 2}}
    with pytest.raises(DocumentError, match=r"not what its schema says.*schema_version"):
        opened(sign(broken, KEY), KNOWN.get)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"NaN", "is not JSON"),
        (b"[]", "is no envelope"),
        (b"{}", "is no envelope"),
        (b'{"envelope":2,"record":{},"seal":{}}', "another version"),
        (b'{"envelope":true,"record":{},"seal":{}}', "another version"),
        (b'{"envelope":1,"record":[],"seal":{}}', "holds no record"),
        (b'{"envelope":1,"record":{},"seal":{}}', "has no seal"),
        (
            b'{"envelope":1,"record":{},"seal":{"digest":1,"key":"","signature":"","signed":"","to":null}}',
            "digest cannot be one",
        ),
        (b'{"envelope":1,"record":{},"seal":{"digest":"' + b"a" * 501 + b'"}}', "has no seal"),
        (b'{"envelope":1' + b" " * 2000 + b"}", "is too large"),
        (b'{"envelope":1' + b"0" * 5000 + b"}", "is too large"),
    ],
)
def test_what_is_no_envelope_is_refused(raw, said):
    largest = 1000 if said == "is too large" else module.LARGEST
    with pytest.raises(DocumentError, match=said):
        opened(raw, KNOWN.get, largest=largest)


def test_a_number_of_thousands_of_digits_is_refused(sealed):
    raw = json.dumps(sealed).replace('"schema_version": 1', '"schema_version": ' + "9" * 5000).encode()
    with pytest.raises(DocumentError, match=r"is not JSON|no canonical"):
        opened(raw, KNOWN.get)


def test_another_kind_of_key_is_refused():
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for text in (pem, "no key"):
        with pytest.raises(DocumentError, match="no public key"):
            public_key(text)

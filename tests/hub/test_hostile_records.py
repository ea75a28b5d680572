"""Records that somebody made to break or deceive a hub: each is refused with a sentence, and nothing is kept."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fill import records
from sqlalchemy import func, select
from telling import pem, problem

from pytest_mlmodelscope.record.envelope import sign, written
from pytest_mlmodelscope.store.access import add_key, revoke_key
from pytest_mlmodelscope.store.tables import Record, Result

#: Where something else is put into the bytes of an envelope, after it was signed.
HERE = "put it here"
DEEP = 10_000


class Sender:
    """Somebody with a key and a token."""

    def __init__(self, hub, database, token, name):
        self.key, self.token = Ed25519PrivateKey.generate(), token(name, "results:write")
        self._hub, self._database = hub, database
        with database.writing() as session:
            self.fingerprint = add_key(session, name, pem(self.key)).fingerprint

    def sealed(self, record, **changes):
        """An envelope as bytes, with ``changes`` made to what it says of its own signing: ``key``, ``to``, ``now``."""
        return written(sign(record, **{"key": self.key, **changes}))

    def send(self, raw):
        return self._hub.post("/api/records", content=raw, headers={"content-type": "application/json", **self.token})

    def revoke(self):
        with self._database.writing() as session:
            revoke_key(session, self.fingerprint)


@pytest.fixture(scope="module")
def sender(hub, database, token):
    return lambda name: Sender(hub, database, token, name)


@pytest.fixture(scope="module")
def nina(sender):
    return sender("nina")


@pytest.fixture
def record(request):
    """A record that no other test sends, with a place for what it should not have."""
    (found,) = records(1, seed=int(hashlib.sha256(request.node.name.encode()).hexdigest()[:5], 16), cases=2)
    found["machine_info"] = {"node": HERE}
    return found


@pytest.fixture
def nothing_kept(database):
    def count():
        with database.reading() as session:
            return [session.scalar(select(func.count()).select_from(table)) for table in (Record, Result)]

    before = count()
    yield
    assert count() == before


def put(raw, what):
    """An envelope with something else where it says so; its seal is that of what was there before."""
    return raw.replace(json.dumps(HERE).encode(), what if isinstance(what, bytes) else what.encode())


def resealed(raw, **changes):
    """An envelope with another seal, which nobody has signed."""
    envelope = json.loads(raw)
    envelope["seal"].update(changes)
    return json.dumps(envelope).encode()


# -- JSON that is none, or means two things -------------------------------------------------------------------

NO_JSON = {
    "not a number": "NaN",
    "infinity": "-Infinity",
    "beyond a double": "1e400",
    "a whole number of 400 digits": "9" * 400,
    "a whole number of 5,000 digits": "9" * 5_000,
    "half a character": '"\\ud800"',
    "half a character in a name": '{"\\udfff": 1}',
    "half a character, raw": b'"\xed\xa0\x80"',
    "bytes that are no text": b'"\xff\xfe"',
    "a control character": '"\n"',
    "a name twice": '"first", "node": "put it here"',
    "a name twice, inside": '{"a": 1, "a": 1}',
    "a name twice, written otherwise": '{"a": 1, "\\u0061": 1}',
    "lists, deep": "[" * DEEP + "]" * DEEP,
    "objects, deep": '{"a":' * DEEP + "1" + "}" * DEEP,
    "open": "[",
    "a comma at the end": "[1,]",
    "a number that begins with 0": "01",
    "a comment": "1 /* one */",
    "an apostrophe": "'5.2.3'",
}


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("what", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_of_one_meaning_is_refused(nina, record, what) -> None:
    told = problem(nina.send(put(nina.sealed(record), what)), 422)
    assert told["detail"].strip()


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("levels", [64, 400, 700])
def test_what_is_nested_deeply_is_refused_though_it_is_signed(nina, record, levels) -> None:
    inner = None
    for _ in range(levels):
        inner = [inner]
    told = problem(nina.send(nina.sealed({**record, "machine_info": {"node": inner}})), 422)
    assert "nested too deeply" in told["detail"]


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("code", ["utf-8-sig", "utf-16", "utf-32-be"])
def test_only_utf_8_is_read(nina, record, code) -> None:
    problem(nina.send(nina.sealed(record).decode().encode(code)), 422)


#: What the same JSON looks like otherwise (RFC 8785): the same record.
SAME = {
    "0": "-0.0",
    "1": "1.0000e0",
    "1000": "1E3",
    "9007199254740992": "9007199254740993",
    '"\u00e9"': '"\\u00e9"',
    '"/"': '"\\/"',
    '{"a": 1, "b": 2}': '{"b": 2,\n "a": 1}',
}


@pytest.mark.parametrize(("plain", "otherwise"), SAME.items(), ids=SAME)
def test_what_is_only_written_otherwise_is_the_same_record(nina, record, hub, plain, otherwise) -> None:
    raw = nina.sealed({**record, "machine_info": {"node": json.loads(plain)}})
    envelope = {**json.loads(raw), "record": record}
    first, again = nina.send(put(json.dumps(envelope).encode(), otherwise)), nina.send(raw)
    assert [(one.status_code, one.json()["new"]) for one in (first, again)] == [(201, True), (200, False)], first.text
    digest = json.loads(raw)["seal"]["digest"]
    assert first.json()["digest"] == digest == hashlib.sha256(hub.get(f"/api/records/{digest}").content).hexdigest()


def test_what_only_looks_the_same_is_another_record(nina, record) -> None:
    digests = set()
    for version in ("\u00e9", "e\u0301", "\u00c9"):
        record["machine_info"] = {"node": version}
        answer = nina.send(nina.sealed(record))
        assert (answer.status_code, answer.json()["new"]) == (201, True)
        digests.add(answer.json()["digest"])
    assert len(digests) == 3


# -- seals ----------------------------------------------------------------------------------------------------

SEALS = {
    "digits of elsewhere": {"digest": "\u0661" * 64},
    "no text": {"key": 5},
    "a key that is no fingerprint": {"key": "x"},
    "half a character for a key": {"key": "\ud800" * 64},
    "no character for a key": {"key": "\0" * 64},
    "half a character for a moment": {"signed": "\ud800"},
    "half a character for a hub": {"to": "\udfff"},
    "half a character for a signature": {"signature": "\ud800"},
    "a signature of letters from elsewhere": {"signature": "\u0661" * 88},
    "an endless signature": {"signature": "A" * 501},
    "an endless hub": {"to": "https://" + "a" * 500},
    "a list": {"to": ["https://hub.example"]},
    "something more": {"admin": "yes"},
}


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("changes", SEALS.values(), ids=SEALS)
def test_a_seal_of_something_else_is_refused(nina, record, changes) -> None:
    assert problem(nina.send(resealed(nina.sealed(record), **changes)), 422)["detail"].strip()


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("part", ["digest", "key"])
def test_a_digest_is_written_in_one_way(nina, record, part) -> None:
    raw = nina.sealed(record)
    problem(nina.send(resealed(raw, **{part: json.loads(raw)["seal"][part].upper()})), 422)


# -- replays --------------------------------------------------------------------------------------------------


def test_a_record_that_is_sent_again_and_signed_again_is_there_once(nina, record) -> None:
    raw, later = nina.sealed(record), datetime.now(UTC) + timedelta(minutes=5)
    sent = [nina.send(one) for one in (raw, raw, nina.sealed(record, now=later))]
    assert [(one.status_code, one.json()["new"]) for one in sent] == [(201, True), (200, False), (200, False)]
    assert len({one.json()["digest"] for one in sent}) == 1


def _under_the_token_of_another(nina, sender, record):
    return sender("mallory").send(nina.sealed(record))


def _with_the_key_of_another(nina, sender, record):
    return nina.send(sender("mallory").sealed(record))


def _of_a_revoked_key(nina, sender, record):
    olga = sender("olga")
    raw = olga.sealed(record)
    olga.revoke()
    return olga.send(raw)


def _from_yesterday(nina, sender, record):
    return nina.send(nina.sealed(record, now=datetime.now(UTC) - timedelta(hours=25)))


def _from_yesterday_with_a_new_moment(nina, sender, record):
    old = nina.sealed(record, now=datetime.now(UTC) - timedelta(hours=25))
    return nina.send(resealed(old, signed=datetime.now(UTC).isoformat(timespec="seconds")))


def _from_tomorrow(nina, sender, record):
    return nina.send(nina.sealed(record, now=datetime.now(UTC) + timedelta(minutes=11)))


def _with_another_name_on_the_seal(nina, sender, record):
    return nina.send(resealed(nina.sealed(record), key=sender("mallory").fingerprint))


def _with_the_seal_of_another_record(nina, sender, record):
    seal = json.loads(nina.sealed({**record, "version": "1"}))["seal"]
    return nina.send(resealed(nina.sealed(record), **seal))


def _with_no_moment(nina, sender, record):
    return nina.send(resealed(nina.sealed(record), signed="0000-00-00"))


def _with_a_signature_that_is_none(nina, sender, record):
    return nina.send(resealed(nina.sealed(record), signature="*"))


REPLAYS = [
    _with_no_moment,
    _with_a_signature_that_is_none,
    _under_the_token_of_another,
    _with_the_key_of_another,
    _of_a_revoked_key,
    _from_yesterday,
    _from_yesterday_with_a_new_moment,
    _from_tomorrow,
    _with_another_name_on_the_seal,
    _with_the_seal_of_another_record,
]


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("replay", REPLAYS, ids=lambda replay: replay.__name__.strip("_"))
def test_an_envelope_that_comes_otherwise_than_it_was_meant_is_refused(nina, sender, record, replay) -> None:
    assert problem(replay(nina, sender, record), 403)["detail"].strip()

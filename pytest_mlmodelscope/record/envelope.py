"""A record in a signed envelope, as it travels to a hub.

An envelope is JSON of two parts: the ``record``, and its ``seal``::

    {"envelope": 1, "record": {...}, "seal": {"digest", "key", "signature", "signed", "to"}}

``digest`` is the SHA-256 of the record's canonical JSON, ``key`` the fingerprint of the key that signed, ``signed``
the moment, ``to`` the hub that it is for (null: any). What is signed, by Ed25519, is the canonical JSON of the seal
without its signature, behind a statement of what it is (the pre-authentication encoding of DSSE): no signature of
something else is one of a record, and none of a record one of something else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from pytest_mlmodelscope.core.errors import DocumentError, SignatureError
from pytest_mlmodelscope.core.schema import first_error
from pytest_mlmodelscope.store.canonical import canonical, parsed

VERSION: Final = 1
#: What is signed says that it is this, so that it can be nothing else.
TYPE: Final = "application/vnd.mlmodelscope.record-seal.v1+json"
#: Bytes of an envelope that is opened, unless somebody allows more.
LARGEST: Final = 32 * 2**20
#: How long after it was signed an envelope is taken: long enough for a queue, too short to keep one for later.
FRESH: Final = timedelta(days=1)
_STATEMENT: Final = ("digest", "key", "signed", "to")
#: What each part of a seal looks like; a digest is written in one way.
_SHA256: Final = re.compile("[0-9a-f]{64}")
_PRINTABLE: Final = re.compile("[!-~]{1,500}")
FORMS: Final = {"digest": _SHA256, "key": _SHA256, "signed": _PRINTABLE, "to": _PRINTABLE, "signature": _PRINTABLE}
#: Levels of objects and lists in each other; a record has about ten.
_DEEPEST: Final = 64
#: How far the clocks of two machines may be apart.
AHEAD: Final = timedelta(minutes=10)
_WHERE: Final = "the envelope"


class Trusted(Protocol):
    """A key as a hub knows it (``store.tables.Key`` is one): PEM, and since when it is not trusted any more."""

    @property
    def public(self) -> str: ...  # noqa: D102
    @property
    def revoked(self) -> datetime | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Opened:
    """A record that is what was signed, and by whom. ``seal`` is JSON, to be kept with the record: with it the
    envelope can be made again.
    """

    record: dict[str, Any]
    digest: str
    key: str
    seal: str


def sign(
    record: Mapping[str, Any], key: Ed25519PrivateKey, *, to: str | None = None, now: datetime | None = None
) -> dict[str, Any]:
    """The envelope of a record, signed now.

    Raises:
        DocumentError: the record has no canonical JSON.
    """
    raw = canonical(record)
    statement = {
        "digest": hashlib.sha256(raw).hexdigest(),
        "key": fingerprint(key.public_key()),
        "signed": (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds"),
        "to": to,
    }
    signature = base64.b64encode(key.sign(_encoded(statement))).decode()
    return {"envelope": VERSION, "record": parsed(raw), "seal": {**statement, "signature": signature}}


def written(envelope: Mapping[str, Any]) -> bytes:
    """An envelope as it is sent: its own canonical JSON."""
    return canonical(envelope)


def opened(
    envelope: bytes | Mapping[str, Any],
    key_of: Callable[[str], Trusted | None],
    *,
    to: str | None = None,
    largest: int = LARGEST,
    fresh: timedelta | None = FRESH,
) -> Opened:
    """The record in an envelope, if it is what one of the keys signed.

    ``key_of`` gives the key of a fingerprint, None for one that is not known; ``to`` is the hub that opens it,
    ``fresh`` how long ago it may have been signed (None: however long).

    Raises:
        DocumentError: it is too large, no envelope, or of another version; or the record breaks its schema.
        SignatureError: it is forged, altered, or for another hub; its key is unknown or revoked; it is too old.
    """
    found = _read(envelope, largest)
    seal = found["seal"]
    _check_key(seal, key_of(seal["key"]))
    _check_time(seal, fresh)
    if to is not None and seal["to"] not in (None, to):
        raise SignatureError("was sealed for another hub", where=_WHERE, expected=to, got=seal["to"])
    if hashlib.sha256(canonical(found["record"])).hexdigest() != seal["digest"]:
        raise SignatureError("the record is not the one that was signed", where=_WHERE, expected=seal["digest"])
    if said := first_error("record", found["record"]):
        raise DocumentError(f"the record is not what its schema says: {said}", where=_WHERE)
    return Opened(found["record"], seal["digest"], seal["key"], canonical(seal).decode())


def fingerprint(key: Ed25519PublicKey) -> str:
    """The SHA-256 of a public key's raw bytes, in hexadecimal."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def public_pem(key: Ed25519PublicKey) -> str:
    """A public key as text (PEM)."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def public_key(pem: str) -> Ed25519PublicKey:
    """The key of a text (PEM).

    Raises:
        DocumentError: it is none, or of another kind.
    """
    try:
        found = load_pem_public_key(pem.encode())
    except ValueError:
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise DocumentError(
            "this is no public key", where="the key", expected="an Ed25519 key (PEM)", hint="mlms key show"
        )
    return found


# -- what is looked at, in this order --------------------------------------------------------------------


def _read(envelope: bytes | Mapping[str, Any], largest: int) -> Mapping[str, Any]:
    """An envelope whose parts are of the right kind; nothing in it is believed yet."""
    if isinstance(envelope, bytes):
        if len(envelope) > largest:
            raise DocumentError("is too large", where=_WHERE, expected=f"at most {largest:,} bytes")
        envelope = _parsed(envelope)
    if not isinstance(envelope, Mapping) or set(envelope) != {"envelope", "record", "seal"}:
        raise DocumentError("is no envelope", where=_WHERE, expected="the keys envelope, record and seal")
    if envelope["envelope"] != VERSION or isinstance(envelope["envelope"], bool):
        got = repr(envelope["envelope"])[:80]
        raise DocumentError("is of another version", where=_WHERE, expected=VERSION, got=got)
    if not isinstance(envelope["record"], Mapping):
        raise DocumentError("holds no record", where=_WHERE)
    _check_seal(envelope["seal"])
    return envelope


def _parsed(raw: bytes) -> Any:
    try:
        found = parsed(raw)
    except (ValueError, RecursionError, OverflowError) as error:  # a JSONDecodeError, or no UTF-8, is the first
        raise DocumentError(f"is not JSON: {str(error)[:200]}", where=_WHERE) from None
    if _is_deep(found):
        raise DocumentError("is nested too deeply", where=_WHERE, expected=f"at most {_DEEPEST} levels")
    return found


def _is_deep(document: Any) -> bool:
    """Whether what others do to each level by a call of its own could come to no end."""
    level = [document]
    for _ in range(_DEEPEST):
        parts = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, (dict, list)))
        level = [inner for part in parts for inner in part if isinstance(inner, (dict, list))]
    return bool(level)


def _check_seal(seal: Any) -> None:
    if not isinstance(seal, Mapping) or set(seal) != {*_STATEMENT, "signature"}:
        raise DocumentError("has no seal", where=_WHERE, expected=f"the keys {', '.join(_STATEMENT)} and signature")
    for name, value in seal.items():
        nobody = name == "to" and value is None
        if not nobody and not (isinstance(value, str) and FORMS[name].fullmatch(value)):
            raise DocumentError(f"has a seal whose {name} cannot be one", where=_WHERE, got=ascii(value)[:100])


def _check_key(seal: Mapping[str, Any], key: Trusted | None) -> None:
    if key is None:
        hint = "make its public half known here: mlms key show, where it was signed"
        raise SignatureError("was signed by a key that is not known here", where=_WHERE, got=seal["key"], hint=hint)
    if key.revoked is not None:
        raise SignatureError("was signed by a key that is not trusted any more", where=_WHERE, got=seal["key"])
    public = public_key(key.public)
    try:
        signature = base64.b64decode(seal["signature"], validate=True)
        public.verify(signature, _encoded({name: seal[name] for name in _STATEMENT}))
    except (InvalidSignature, binascii.Error, ValueError):
        raise SignatureError("is not signed by the key that it names", where=_WHERE, got=seal["key"]) from None
    if fingerprint(public) != seal["key"]:
        raise SignatureError("was signed by another key than it says", where=_WHERE, got=seal["key"])


def _check_time(seal: Mapping[str, Any], fresh: timedelta | None) -> None:
    try:
        age = datetime.now(UTC) - datetime.fromisoformat(seal["signed"]).astimezone(UTC)
    except (ValueError, OverflowError):
        raise DocumentError("does not say when it was signed", where=_WHERE, got=seal["signed"]) from None
    if age < -AHEAD:
        raise SignatureError("was signed later than now", where=_WHERE, got=seal["signed"], hint="set your clock")
    if fresh is not None and age > fresh:
        raise SignatureError(
            "was signed too long ago", where=_WHERE, got=seal["signed"], hint="push the record anew: mlms push"
        )


def _encoded(statement: Mapping[str, Any]) -> bytes:
    """What a signature is of: DSSE's pre-authentication encoding, which no other type's can equal."""
    kind, body = TYPE.encode(), canonical(statement)
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


def resealed(record: Mapping[str, Any], seal: str) -> dict[str, Any]:
    """The envelope of a record that was kept with its seal."""
    return {"envelope": VERSION, "record": dict(record), "seal": json.loads(seal)}

"""Who may write: tokens, of which only digests are kept, and the public keys of those who sign records."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from pytest_mlmodelscope.core.errors import UsageError, did_you_mean
from pytest_mlmodelscope.store.changes import inserting
from pytest_mlmodelscope.store.tables import NAME, Key, Token

#: What a token may be good for; ``admin`` is good for everything.
SCOPES: Final[Mapping[str, str]] = {
    "results:write": "send records, and register keys of one's own",
    "jobs:write": "have models and claims run by the hub",
    "admin": "all of these, and keys for others",
}
#: Every token begins so, for those who search files for what should not be in them.
_MARK: Final = "mlms_"
#: Random bytes of a token.
_SECRET: Final = 32
#: Digits of a digest that name a token or a key where a person types them.
SHORT: Final = 12
_LEAST_DIGITS: Final = 6
#: How the name of an owner looks.
OWNER: Final = re.compile(r"[\w.@+-]+(?: [\w.@+-]+)*")
#: Characters of a public key, in PEM, with some room.
_LONGEST_KEY: Final = 1000


@dataclass(frozen=True, slots=True)
class Writer:
    """Whoever wrote with a token: the owner's name, what the token is good for, and its digest."""

    owner: str
    scopes: frozenset[str]
    token: str

    def may(self, scope: str) -> bool:
        """Whether the token is good for this."""
        return bool(self.scopes & {scope, "admin"})


class KeyTaken(UsageError):
    """A public key that is known already, and cannot be registered so."""


# -- tokens -----------------------------------------------------------------------------------


def new_token(session: Session, owner: str, scopes: Collection[str], days: float | None = None) -> str:
    """A token of ``owner``, which is told only now; it is good for so many days (None: until it is revoked).

    Raises:
        UsageError: a scope is none, or the name of the owner is not one.
    """
    for scope in scopes:
        if scope not in SCOPES:
            raise UsageError(f'no scope is called "{scope}"', hint=did_you_mean(scope, SCOPES))
    if not scopes:
        raise UsageError("a token without a scope is good for nothing", hint=did_you_mean("", SCOPES))
    text, now = _MARK + secrets.token_urlsafe(_SECRET), datetime.now(UTC)
    session.add(
        Token(
            digest=_digest(text),
            owner=owner_name(owner),
            scopes=" ".join(sorted(set(scopes))),
            created=now,
            expires=None if days is None else now + timedelta(days=days),
        )
    )
    return text


def writer_of(session: Session, text: str) -> Writer | None:
    """Who a token stands for; None where it is unknown, revoked or too old."""
    digest = _digest(text)
    found = session.get(Token, digest)
    # The database looked for a digest, whose digits tell nothing of a token that is nearly right.
    if found is None or not hmac.compare_digest(found.digest, digest) or not is_good(found):
        return None
    return Writer(found.owner, frozenset(found.scopes.split()), digest)


def is_good(token: Token) -> bool:
    """Whether a token is neither revoked nor too old."""
    return token.revoked is None and (token.expires is None or token.expires > datetime.now(UTC))


def tokens(session: Session) -> Sequence[Token]:
    """All tokens, by owner, the oldest first."""
    return session.scalars(select(Token).order_by(Token.owner, Token.created)).all()


def revoke_token(session: Session, digits: str) -> Token:
    """Let a token be good for nothing from now on; ``digits`` are the first of its digest.

    Raises:
        UsageError: they name none, or several.
    """
    token: Token = _revoked(session, Token, Token.digest, digits, "token")
    return token


# -- keys -------------------------------------------------------------------------------------


def add_key(session: Session, owner: str, pem: str) -> Key:
    """Register the public key that somebody's records are signed by; once registered, it stays as it is.

    Raises:
        UsageError: it is no Ed25519 public key.
        KeyTaken: it belongs to somebody else, or was revoked.
    """
    public = _public(pem)
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    fingerprint, owner = hashlib.sha256(raw).hexdigest(), owner_name(owner)
    plain = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    new = {"fingerprint": fingerprint, "public": plain.decode(), "owner": owner, "created": datetime.now(UTC)}
    # Where another process registers it at the same time, this waits for what becomes of that.
    session.execute(inserting(session)(Key).values(new).on_conflict_do_nothing())
    key = session.get_one(Key, fingerprint)
    if key.owner != owner:
        raise KeyTaken("the key is somebody else's")
    if key.revoked is not None:
        raise KeyTaken("the key was revoked")
    return key


def keys(session: Session) -> Sequence[Key]:
    """All keys, by owner, the oldest first."""
    return session.scalars(select(Key).order_by(Key.owner, Key.created)).all()


def revoke_key(session: Session, digits: str) -> Key:
    """Take no more records that a key signed; ``digits`` are the first of its fingerprint.

    Raises:
        UsageError: they name none, or several.
    """
    key: Key = _revoked(session, Key, Key.fingerprint, digits, "key")
    return key


def owner_name(text: str) -> str:
    """A name that tokens and keys may belong to.

    Raises:
        UsageError: it is not one.
    """
    if len(text) > NAME or not OWNER.fullmatch(text):
        raise UsageError("the name of an owner has letters, digits, blanks and any of .@+-_", got=repr(text[:100]))
    return text


def _public(pem: str) -> Ed25519PublicKey:
    try:
        found = serialization.load_pem_public_key(pem[:_LONGEST_KEY].encode())
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise UsageError("is no public key", expected='an Ed25519 key in PEM: "-----BEGIN PUBLIC KEY-----"...')
    return found


def _revoked(session: Session, table: Any, column: Any, digits: str, what: str) -> Any:
    if not re.fullmatch(rf"[0-9a-f]{{{_LEAST_DIGITS},64}}", digits):
        raise UsageError(f"a {what} is named by the first {_LEAST_DIGITS} or more digits of its digest", got=digits)
    found = session.scalars(select(table).where(column.startswith(digits)).limit(2)).all()
    if len(found) != 1:
        raise UsageError(f"{'several' if found else 'no'} {what}s begin with {digits}", hint="look at the list")
    found[0].revoked = found[0].revoked or datetime.now(UTC)
    return found[0]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

"""Keys that records are signed by: ``/api/keys``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from sqlalchemy import func, select

from pytest_mlmodelscope.hub.api._parts import Digest, missing
from pytest_mlmodelscope.hub.asked import Reading, Store
from pytest_mlmodelscope.hub.problems import Refused
from pytest_mlmodelscope.hub.writers import ResultsWriter
from pytest_mlmodelscope.store import access
from pytest_mlmodelscope.store.tables import NAME, Key

router = APIRouter(tags=["keys"])
#: Keys that one owner may register without an admin.
_MOST: Final = 100
#: What says that it is such a key, and 32 bytes in base 64 (RFC 8410).
_PATTERN: Final = (
    r"^-----BEGIN PUBLIC KEY-----\r?\nMCowBQYDK2VwAyEA[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="
    r"\r?\n-----END PUBLIC KEY-----(\r?\n)?$"
)
#: The one of RFC 8410.
_EXAMPLE: Final = """\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""
#: Described, not held: what reads keys says better what is wrong.
_PEM: Final[JsonDict] = {"pattern": _PATTERN, "examples": [_EXAMPLE]}
_OWNER: Final = f"^{access.OWNER.pattern}$"


class KeyCard(BaseModel):
    """A public key; records that it signed before it was ``revoked`` stay."""

    model_config = ConfigDict(from_attributes=True)

    fingerprint: Annotated[str, Field(description="SHA-256 of its raw bytes")]
    public: Annotated[str, Field(description="Ed25519, PEM")]
    owner: str
    created: datetime
    revoked: datetime | None


class NewKey(BaseModel):
    """A key to register."""

    model_config = ConfigDict(extra="forbid")

    public: Annotated[str, Field(max_length=1000, description="an Ed25519 public key, PEM", json_schema_extra=_PEM)]
    owner: Annotated[
        str | None,
        Field(max_length=NAME, pattern=_OWNER, description="whose it is; only an admin may name somebody else"),
    ] = None


_MORE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": KeyCard, "description": "It was there already."},
    409: {"description": "It is somebody else's or was revoked, or its owner has too many."},
}


@router.get("/keys")
def keys(session: Reading) -> list[KeyCard]:
    """All keys, by owner."""
    return [KeyCard.model_validate(key) for key in access.keys(session)]


@router.post("/keys", status_code=201, responses=_MORE)
def add(new: NewKey, writer: ResultsWriter, store: Store, response: Response) -> KeyCard:
    """Register a key, so that records that it signed are taken."""
    owner = new.owner or writer.owner
    if owner != writer.owner and not writer.may("admin"):
        raise Refused(403, "a key for somebody else is registered by an admin")
    with store.writing() as session:
        before = _of(session, owner)
        if before >= _MOST and not writer.may("admin"):
            raise Refused(409, f"one owner has at most {_MOST} keys")
        try:
            key = access.add_key(session, owner, new.public)
        except access.KeyTaken as error:
            raise Refused(409, error.what) from None
        response.status_code = 201 if _of(session, owner) > before else 200
        response.headers["Location"] = f"/api/keys/{key.fingerprint}"
        return KeyCard.model_validate(key)


@router.get("/keys/{fingerprint}")
def key(session: Reading, fingerprint: Digest) -> KeyCard:
    """One key."""
    found = session.get(Key, fingerprint)
    if found is None:
        raise missing("key", fingerprint)
    return KeyCard.model_validate(found)


@router.post("/keys/{fingerprint}/revoke")
def revoke(writer: ResultsWriter, store: Store, fingerprint: Digest) -> KeyCard:
    """Take no more records that this key signed; it stays, for those that it signed before."""
    with store.writing() as session:
        found = session.get(Key, fingerprint)
        if found is None:
            raise missing("key", fingerprint)
        if found.owner != writer.owner and not writer.may("admin"):
            raise Refused(403, "the key is somebody else's")
        return KeyCard.model_validate(access.revoke_key(session, fingerprint))


def _of(session: Reading, owner: str) -> int:
    return session.scalar(select(func.count()).select_from(Key).where(Key.owner == owner)) or 0

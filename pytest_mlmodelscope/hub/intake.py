"""How a record comes in: opened, looked at, and put into the database in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.hub.problems import Refused
from pytest_mlmodelscope.record.envelope import AHEAD, Opened, opened
from pytest_mlmodelscope.store import runs
from pytest_mlmodelscope.store.access import Writer
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.tables import Key, Record


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes envelopes for a hub that is called ``address`` (None: by any name) of at most ``largest`` bytes."""

    database: Database
    address: str | None
    largest: int

    def take(self, envelope: bytes, writer: Writer) -> runs.Added:
        """Keep the record of an envelope; one that is there already stays as it is.

        Raises:
            DocumentError: it is no envelope, or the record breaks its schema or cannot be so.
            SignatureError: it is not signed by a key that is known here.
            Refused: 403, the key is somebody else's; 409, somebody else sent the same record.
        """
        with self.database.reading() as session:
            found = self._opened(session, envelope)
        _check_plausible(found.record)
        with self.database.writing() as session:
            self._check_owner(session.get(Key, found.key), writer)
            added = runs.add(session, found.record, found.key, found.seal)
            if not added.new:
                self._check_same_owner(session, found, writer)
            return added

    def _opened(self, session: Session, envelope: bytes) -> Opened:
        address = None if self.address is None else self.address.rstrip("/")
        return opened(envelope, lambda name: session.get(Key, name), to=address, largest=self.largest)

    @staticmethod
    def _check_owner(key: Key | None, writer: Writer) -> None:
        if key is None or key.revoked is not None or key.owner != writer.owner:
            raise Refused(403, "the key that signed it is not one of the token's owner", hint="POST /api/keys")

    @staticmethod
    def _check_same_owner(session: Session, found: Opened, writer: Writer) -> None:
        kept = session.get(Record, found.digest)
        key = session.get(Key, kept.key) if kept is not None and kept.key is not None else None
        if key is not None and key.owner != writer.owner:
            raise Refused(409, "somebody else sent this very record before")


def _check_plausible(record: Mapping[str, Any]) -> None:
    """That a record was measured by now, on a machine that it names."""
    runs.moment(record["datetime"], AHEAD)
    if not record["mlms"]["machine"].get("machine_class"):
        raise DocumentError("the record does not say on what kind of machine it was measured")

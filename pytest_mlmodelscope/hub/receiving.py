"""Envelopes that come in: a large one is opened in a process of its own, for to read it keeps every thread waiting.

``python -m pytest_mlmodelscope.hub.receiving`` reads one line of JSON from its input, then the envelope, and writes
what became of it as JSON.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.concurrency import run_in_threadpool

from pytest_mlmodelscope.core import errors
from pytest_mlmodelscope.core.errors import DocumentError, MlmsError, UsageError
from pytest_mlmodelscope.hub.intake import Intake
from pytest_mlmodelscope.hub.problems import Refused, away
from pytest_mlmodelscope.store.access import Writer
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.runs import Added

#: Bytes of an envelope that is read beside everything else: some hundredths of a second.
SMALL: Final = 2**20
#: Processes at once; others wait.
_AT_ONCE: Final = 2
#: What one may take: bytes of memory, and seconds.
_MEMORY: Final = 4 * 2**30
_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Receiving:
    """Takes envelopes as an ``Intake`` of these does."""

    database: Database
    address: str | None
    largest: int
    place: str | Path
    _free: asyncio.Semaphore

    @classmethod
    def at(cls, place: str | Path, database: Database, address: str | None, largest: int) -> Receiving:
        """For the database ``place``, which is open as ``database``."""
        return cls(database, address, largest, place, asyncio.Semaphore(_AT_ONCE))

    async def take(self, envelope: bytes, writer: Writer) -> Added:
        """Keep the record of an envelope; raises as ``Intake.take`` does."""
        if len(envelope) <= SMALL:
            return await run_in_threadpool(Intake(self.database, self.address, self.largest).take, envelope, writer)
        async with self._free:
            said = await _said(self._order(envelope, writer), envelope)
        if "new" in said:
            return Added(**said)
        raise _error(said)

    def _order(self, envelope: bytes, writer: Writer) -> dict[str, Any]:
        who = {"owner": writer.owner, "scopes": sorted(writer.scopes), "token": writer.token}
        hub = {"database": str(self.place), "address": self.address, "largest": self.largest}
        return {**hub, "writer": who, "bytes": len(envelope)}


async def _said(order: dict[str, Any], envelope: bytes) -> dict[str, Any]:
    words = [sys.executable, "-m", __name__]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe)
    try:
        async with asyncio.timeout(_SECONDS):
            out, _ = await process.communicate(json.dumps(order).encode() + b"\n" + envelope)
    except TimeoutError:
        raise Refused(422, f"to read the record took longer than {_SECONDS} seconds") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise RuntimeError(f"the process that read a record ended with {process.returncode}")
    found: dict[str, Any] = json.loads(out)
    return found


def _error(said: dict[str, Any]) -> Exception:
    if "status" in said:
        return Refused(**said)
    kind: type[MlmsError] = getattr(errors, said.pop("kind"))
    return kind(**said)


# -- in the process ---------------------------------------------------------------------------


def main() -> None:
    """Take one envelope."""
    order = json.loads(sys.stdin.buffer.readline())
    envelope = sys.stdin.buffer.read(order["bytes"])
    if len(envelope) < order["bytes"]:
        return  # the hub is no more
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    json.dump(_taken(order, envelope), sys.stdout)


def _taken(order: dict[str, Any], envelope: bytes) -> dict[str, Any]:
    who = order["writer"]
    writer = Writer(who["owner"], frozenset(who["scopes"]), who["token"])
    try:
        database = Database(order["database"])
    except UsageError as error:  # the hub itself has opened it before
        return _refused(away(error))
    try:
        with database:
            added = Intake(database, order["address"], order["largest"]).take(envelope, writer)
    except (OperationalError, InterfaceError) as error:
        return _refused(away(error))
    except Refused as error:
        return _refused(error)
    except (RecursionError, MemoryError) as error:
        return _told(DocumentError(f"the record takes too much to be read: {type(error).__name__}"))
    except MlmsError as error:
        return _told(error)
    return {"digest": added.digest, "new": added.new}


def _refused(error: Refused) -> dict[str, Any]:
    return {"status": error.status_code, "detail": error.detail, "hint": error.hint, "headers": error.headers}


def _told(error: MlmsError) -> dict[str, Any]:
    more = {"expected": error.expected, "got": error.got, "hint": error.hint}
    told = {name: str(value)[: errors.LONGEST] for name, value in more.items() if value is not None}
    return {"kind": type(error).__name__, "what": error.what[: errors.LONGEST], **told}


if __name__ == "__main__":
    main()

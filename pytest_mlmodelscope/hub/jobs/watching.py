"""Following jobs: one look at the database for all listeners, however many they are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.hub.jobs import queue
from pytest_mlmodelscope.hub.jobs.told import JobCard, card
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.tables import Job

_log = logging.getLogger(__name__)
#: Seconds between two looks, while anybody listens.
_LOOK_S: Final = 0.3


class TooMany(UsageError):
    """So many follow jobs already that no other can."""


@dataclass(slots=True)
class Watcher:
    """Looks after the jobs that somebody follows; ``most`` listeners at once. ``apart`` is as for the places of the
    queue.
    """

    database: Database
    most: int
    apart: bool = False
    _listeners: dict[str, set[asyncio.Event]] = field(default_factory=dict)
    _cards: dict[str, JobCard | None] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return sum(map(len, self._listeners.values()))

    def refuse_too_many(self) -> None:
        """Say that no other can listen.

        Raises:
            TooMany: it is so.
        """
        if self.listeners >= self.most:
            raise TooMany("too many follow jobs at this moment", expected=f"at most {self.most}")

    async def follow(self, identity: str, seen: str | None = None) -> AsyncIterator[JobCard]:
        """The job now, unless ``seen`` is its mark, and after each change until it has ended or is forgotten."""
        changed = asyncio.Event()
        self._listeners.setdefault(identity, set()).add(changed)
        if identity in self._cards:
            changed.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            while True:
                await changed.wait()
                changed.clear()
                now = self._cards.get(identity)
                if now is None:
                    return
                if now.mark != seen:
                    seen = now.mark
                    yield now
                if now.ended:
                    return
        finally:
            self._leave(identity, changed)

    def _leave(self, identity: str, changed: asyncio.Event) -> None:
        self._listeners[identity].discard(changed)
        if not self._listeners[identity]:
            del self._listeners[identity]
            self._cards.pop(identity, None)

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while self._listeners:
            try:
                found = await run_in_threadpool(self._look, list(self._listeners))
            except DBAPIError as error:
                _log.warning("the database does not answer: %s", error.orig)
            else:
                self._tell(found)
            await asyncio.sleep(_LOOK_S)

    def _tell(self, found: dict[str, JobCard | None]) -> None:
        for identity, now in found.items():
            known = identity in self._cards
            if identity in self._listeners and not (known and self._cards[identity] == now):
                self._cards[identity] = now
                for changed in self._listeners[identity]:
                    changed.set()

    def _look(self, identities: Collection[str]) -> dict[str, JobCard | None]:
        """The jobs as they are; None for one that is no more."""
        with self.database.reading() as session:
            jobs = session.scalars(select(Job).where(Job.id.in_(identities))).all()
            places = queue.places(session, self.apart) if any(job.state == "queued" for job in jobs) else {}
        found: dict[str, JobCard | None] = dict.fromkeys(identities)
        # Several questions are several moments: one that began in between has no place any more.
        return found | {job.id: card(job, places.get(job.id) if job.state == "queued" else None) for job in jobs}

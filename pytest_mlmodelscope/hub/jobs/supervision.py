"""The workers of a hub: started with it, started again when they fall, ended with it; and what is tidied up."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from pytest_mlmodelscope.hub.jobs import queue
from pytest_mlmodelscope.hub.jobs.uploads import Uploads
from pytest_mlmodelscope.hub.jobs.watching import Watcher
from pytest_mlmodelscope.hub.jobs.worker import Plan
from pytest_mlmodelscope.hub.settings import Settings
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.store.database import Database

_log = logging.getLogger(__name__)
#: How long workers have to end; a model that is ended may take its time.
_END_S: Final = 30.0
#: A worker that fell is started again after so many seconds, and more each time that it falls at once.
_AGAIN_S: Final = (0.5, 2.0, 10.0, 60.0)
#: A worker that lived for so long did not fall at once.
_LIVED_S: Final = 60.0
#: How often ended jobs are looked through for those that are to be forgotten.
_FORGET_S: Final = 3600.0


@dataclass(slots=True)
class Jobs:
    """What a hub has for its jobs: workers as ``plan`` says, uploads, and who looks after those that are followed."""

    plan: Plan
    database: Database
    count: int
    watcher: Watcher = field(init=False)
    uploads: Uploads = field(init=False)
    _processes: dict[int, asyncio.subprocess.Process] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _ending: bool = False

    def __post_init__(self) -> None:
        self.watcher = Watcher(self.database, self.plan.bounds.listeners, self.plan.apart)
        self.uploads = Uploads(Path(self.plan.uploads))

    async def __aenter__(self) -> Self:
        self._ending = False
        self._tasks = [asyncio.create_task(self._keep(number)) for number in range(self.count)]
        self._tasks.append(asyncio.create_task(self._look_after()))
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._ending = True
        await self.watcher.close()
        self._tasks.pop().cancel()
        processes = list(self._processes.values())
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
        for task in self._tasks:
            with suppress(TimeoutError, asyncio.CancelledError):
                if not self._processes:
                    task.cancel()  # it waits to start a worker again
                await asyncio.wait_for(task, _END_S)
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.wait()

    @property
    def pids(self) -> list[int]:
        """The processes of the workers."""
        return [process.pid for process in self._processes.values()]

    def wake(self) -> None:
        """A job has come: the workers look at once."""
        for process in self._processes.values():
            if process.stdin is not None and not process.stdin.is_closing():
                process.stdin.write(b"\n")

    async def _keep(self, number: int) -> None:
        """One worker after another, until the hub ends."""
        falls = 0
        while True:
            begun = time.monotonic()
            await self._one(number)
            if self._ending:
                return
            falls = 0 if time.monotonic() - begun > _LIVED_S else falls + 1
            _log.warning("a worker ended; another one is started")
            await asyncio.sleep(_AGAIN_S[min(falls, len(_AGAIN_S)) - 1])

    async def _one(self, number: int) -> None:
        words = [sys.executable, "-m", "pytest_mlmodelscope.hub.jobs.worker"]
        # Of a session of its own: a terminal's Ctrl-C is for the hub, which ends it in order.
        process = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.PIPE, start_new_session=True)
        self._processes[number] = process
        assert process.stdin is not None
        try:
            process.stdin.write(self.plan.of_worker(number).line())
            if self._ending:
                process.stdin.close()
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
            self._processes.pop(number, None)

    async def _look_after(self) -> None:
        forgot = float("-inf")
        while True:
            try:
                await run_in_threadpool(self._sweep)
                if time.monotonic() - forgot > _FORGET_S:
                    await run_in_threadpool(self._forget)
                    forgot = time.monotonic()
            except DBAPIError as error:
                _log.warning("the database does not answer: %s", error.orig)
            await asyncio.sleep(self.plan.bounds.lease_s)

    def _sweep(self) -> None:
        with self.database.reading() as session:
            if not queue.anything(session):
                return
        with self.database.writing() as session:
            queue.sweep(session, self.plan.bounds)

    def _forget(self) -> None:
        with self.database.writing() as session:
            queue.forget(session, self.plan.bounds)
            in_use = queue.uploads_in_use(session)
        self.uploads.tidy(in_use, _FORGET_S)


def jobs_of(settings: Settings, database: Database) -> Jobs:
    """What a hub that is started with these settings has for its jobs."""
    shelf = settings.shelf
    plan = Plan(
        database=str(settings.database),
        uploads=str(_uploads(settings)),
        bounds=settings.jobs,
        workers=max(1, settings.workers),
        manifests=tuple(str(root.absolute()) for root in shelf.catalogue.roots),
        claims=tuple(str(root.absolute()) for root in shelf.claim_roots),
    )
    return Jobs(plan, database, settings.workers)


def _uploads(settings: Settings) -> Path:
    if settings.uploads is not None:
        return settings.uploads.absolute()
    in_file = "://" not in str(settings.database)
    return (Path(settings.database).absolute().parent if in_file else Cache().root) / "uploads"

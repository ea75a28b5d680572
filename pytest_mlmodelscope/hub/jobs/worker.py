"""A worker: takes jobs out of the queue one after another, and has each run in a process of its own.

``python -m pytest_mlmodelscope.hub.jobs.worker`` reads what it is to do as one line of JSON from its input. Whatever
comes there later wakes it; when the input ends it puts its job back and ends.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import select
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.hub.jobs import queue
from pytest_mlmodelscope.hub.jobs.bounds import Bounds
from pytest_mlmodelscope.hub.jobs.queue import Hold
from pytest_mlmodelscope.hub.jobs.results import kept_result
from pytest_mlmodelscope.hub.jobs.runner import Order
from pytest_mlmodelscope.hub.jobs.running import Runner
from pytest_mlmodelscope.hub.jobs.uploads import Uploads
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.tables import Job

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

#: How long a worker without a job sleeps, unless it is woken.
_IDLE_S: Final = 2.0
#: How often a worker tells how far its job is, and looks whether anybody still wants it.
_TELL_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """What a worker works with. ``uploads`` is the folder that jobs' files are in; of its kind there are so many
    ``workers``. It ``takes`` jobs of its first group of kinds, and of the next where there is none; the rest is as in
    ``Order``.
    """

    database: str
    uploads: str
    bounds: Bounds
    workers: int = 1
    takes: tuple[tuple[str, ...], ...] = (queue.KINDS,)
    manifests: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    cache: str | None = None

    @property
    def apart(self) -> bool:
        """Whether predictions have a worker of their own: a verification may take an hour, and nobody waits for an
        answer so long.
        """
        return self.workers > 1

    def of_worker(self, number: int) -> Plan:
        """The same for one of the workers, from 0."""
        if not self.apart:
            return self
        return replace(self, takes=(("predict",),) if number == 0 else (("verify",), ("predict",)))

    def line(self) -> bytes:
        """As a worker reads it: never as an argument, which everybody on the machine could read."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def of_line(cls, line: bytes) -> Plan:
        """What ``line`` wrote."""
        told = json.loads(line)
        return cls(**{**told, "bounds": Bounds(**told["bounds"])})


class Ended(Exception):
    """Whoever started this worker wants it to end, or is no more."""


@dataclass(slots=True)
class _Progress:
    """How far a job is, as its runner said and as was written of it."""

    renewed: float
    now: tuple[float, str] = (0.0, "")
    told: tuple[float, str] = (0.0, "")


@dataclass(slots=True)
class Worker:
    """Takes jobs and has them run until its input ends."""

    plan: Plan
    database: Database
    input: int
    name: str = field(default_factory=lambda: f"{os.uname().nodename}/{os.getpid()}/{secrets.token_hex(4)}")
    _runner: Runner | None = None

    def work(self) -> None:
        """Until the input ends."""
        try:
            while True:
                job = self._steadily(self._next)
                if job is None:
                    self._ready()
                    self._sleep(_IDLE_S)
                else:
                    self._run(job)
        except Ended:
            pass
        finally:
            if self._runner is not None:
                self._runner.end()

    def _next(self) -> Job | None:
        """A job, where there is one; who only looks keeps no writer waiting."""
        kinds = [kind for group in self.plan.takes for kind in group]
        with self.database.reading() as session:
            if not queue.anything(session, kinds):
                return None
        with self.database.writing() as session:
            queue.sweep(session, self.plan.bounds)
            taken = (queue.take(session, self.name, self.plan.bounds.lease_s, group) for group in self.plan.takes)
            return next((job for job in taken if job is not None), None)

    # -- one job ------------------------------------------------------------------------------

    def _run(self, job: Job) -> None:
        hold, upload = queue.held(job), job.request.get("input", {}).get("upload")
        runner = self._ready()
        self._runner = None  # each job has a process of its own
        try:
            runner.start(self._order(job, upload))
            how = self._followed(runner, hold)
        except Ended:
            runner.end()
            self._written(lambda session: queue.give_back(session, hold))
            raise
        except BaseException:
            runner.end()
            raise
        if self._steadily(lambda: self._written(how)) and upload is not None:
            Uploads(Path(self.plan.uploads)).remove(upload)

    def _order(self, job: Job, upload: str | None) -> Order:
        plan, bounds = self.plan, self.plan.bounds
        path = None if upload is None else str(Uploads(Path(plan.uploads)).path(upload))
        return Order(
            kind=job.kind,
            request=job.request,
            upload=path,
            manifests=plan.manifests,
            claims=plan.claims,
            isolation=bounds.isolation,
            offline=bounds.offline,
            runners=plan.workers,
            cache=plan.cache,
        )

    def _followed(self, runner: Runner, hold: Hold) -> Callable[[Session], bool]:
        """Listen to a runner to its end; what is to be written of the job then."""
        bounds = self.plan.bounds
        looked = time.monotonic()
        until, progress = looked + bounds.seconds, _Progress(renewed=looked)
        while True:
            now = time.monotonic()
            if now >= until:
                return self._failed(runner, hold, f"it took longer than {bounds.seconds:g} s and was ended")
            if now - looked >= _TELL_S:
                looked = now
                if self._told(hold, progress) != "kept":
                    runner.end()
                    return lambda session: queue.let_go(session, hold)  # writes nothing where it was lost
            self._sleep(0)
            try:
                said = runner.said(_TELL_S)
            except EOFError:
                return self._failed(runner, hold, None)
            except ValueError as error:
                return self._failed(runner, hold, str(error))
            if (end := _heard(said, progress)) is not None:
                return self._ended(runner, hold, end)

    def _told(self, hold: Hold, progress: _Progress) -> str:
        """Write how far it is when that has changed, hold the job for longer when that is due; as ``queue.renew``."""
        lease_s, clock = self.plan.bounds.lease_s, time.monotonic()
        try:
            if progress.now == progress.told and clock - progress.renewed < lease_s / 3:
                with self.database.reading() as session:
                    return queue.wanted(session, hold)
            with self.database.writing() as session:
                if progress.now != progress.told:
                    queue.tell(session, hold, *progress.now)
                state = queue.renew(session, hold, lease_s)
        except DBAPIError as error:  # it may be back before the lease has run out
            _log.warning("the database does not answer: %s", error.orig)
            return "kept"
        progress.told, progress.renewed = progress.now, clock
        return state

    def _failed(self, runner: Runner, hold: Hold, reason: str | None) -> Callable[[Session], bool]:
        how = runner.end()
        why = reason or f"the process that ran it {how}"
        return lambda session: queue.fail(session, hold, why)

    def _ended(self, runner: Runner, hold: Hold, end: dict[str, Any]) -> Callable[[Session], bool]:
        runner.end()
        if "error" in end:
            return lambda session: queue.fail(session, hold, end["error"])

        def write(session: Session) -> bool:
            try:
                with session.begin_nested():
                    return queue.finish(session, hold, lambda: kept_result(session, end["result"], self.plan.bounds))
            except MlmsError as error:
                return queue.fail(session, hold, error.abroad())

        return write

    # -- what it waits for --------------------------------------------------------------------

    def _ready(self) -> Runner:
        """A runner that waits for a job."""
        if self._runner is not None and self._runner.waits:
            return self._runner
        if self._runner is not None:
            self._runner.end()
        self._runner = Runner(self.plan.bounds.record_bytes)
        return self._runner

    def _sleep(self, seconds: float) -> None:
        """Until the time is over or somebody wakes it.

        Raises:
            Ended: the input has ended.
        """
        if select.select([self.input], [], [], seconds)[0] and not os.read(self.input, 4096):
            raise Ended

    def _steadily(self, what: Callable[[], _T]) -> _T:
        """Again, until the database has taken it."""
        while True:
            try:
                return what()
            except DBAPIError as error:
                _log.warning("the database does not answer: %s", error.orig)
                self._sleep(_IDLE_S)

    def _written(self, what: Callable[[Session], bool]) -> bool:
        with self.database.writing() as session:
            return what(session)


def _heard(said: list[dict[str, Any]], progress: _Progress) -> dict[str, Any] | None:
    """Remember how far it is; the last of what it says where that is its end."""
    for one in said:
        if "result" in one or "error" in one:
            return one
        progress.now = one["share"], one["message"]
    return None


def main() -> None:
    """Work as the input says."""
    logging.basicConfig(format="mlms worker %(process)d: %(message)s", level=logging.INFO)
    # Unbuffered, so that what wakes it later is not swallowed.
    with open(os.dup(0), "rb", buffering=0) as told:  # noqa: PTH123  # a descriptor has no path
        line = told.readline()
    if not line:
        return
    plan = Plan.of_line(line)
    with Database(plan.database) as database:
        Worker(plan, database, 0).work()


if __name__ == "__main__":
    main()

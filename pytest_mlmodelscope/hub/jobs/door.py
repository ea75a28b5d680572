"""How a request becomes a job, through whichever door it comes: REST or a form on a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Final

from fastapi import Depends, Path, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from pytest_mlmodelscope.agent.confinement import best
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable
from pytest_mlmodelscope.hub.asked import Hub, OnShelf, Store
from pytest_mlmodelscope.hub.edge.rates import client
from pytest_mlmodelscope.hub.jobs import queue
from pytest_mlmodelscope.hub.jobs.admission import form_of, of_at_most, parts_of
from pytest_mlmodelscope.hub.jobs.asking import Predict, Verify, checked, of_form, of_json
from pytest_mlmodelscope.hub.jobs.bounds import Bounds
from pytest_mlmodelscope.hub.jobs.supervision import Jobs
from pytest_mlmodelscope.hub.jobs.told import JobCard, JobList, card
from pytest_mlmodelscope.hub.problems import Refused
from pytest_mlmodelscope.hub.writers import MaybeWriter
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.tables import NAME, Job

#: An id of a job, as the queue makes them.
Identity = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="as the answer to `POST /api/jobs` says")]
#: Beside the file: names, and the borders of a form's parts.
_BESIDE: Final = 2**16
#: When to ask again where the queue is full, in seconds.
AGAIN_S: Final = 30
#: What a token has to be good for, where jobs are not open to all.
SCOPE: Final = "jobs:write"
#: Jobs in a list.
_LISTED: Final = 100


def _jobs(request: Request) -> Jobs:
    found: Jobs = request.app.state.jobs
    return found


OfHub = Annotated[Jobs, Depends(_jobs)]


@dataclass(frozen=True, slots=True)
class Door:
    """Takes jobs for a hub. ``open``: from anybody, else from ``owner`` only; None is nobody by name. ``asker`` is who
    the queue is shared among: an owner, else an address.
    """

    jobs: Jobs
    database: Database
    shelf: Shelf
    bounds: Bounds
    open: bool
    owner: str | None
    asker: str

    async def submit(self, request: Request) -> JobCard:
        """The job that a request asks for.

        Raises:
            MlmsError: it is not what a job is, or a model takes.
            Refused: 401, 404, 413, 422; 429 where the queue is full, 503 where models cannot be isolated.
        """
        if not self.open and self.owner is None:
            hint = f"one with the scope {SCOPE}"
            raise Refused(401, "a token is needed", hint=hint, headers={"WWW-Authenticate": "Bearer"})
        try:
            await run_in_threadpool(best, self.bounds.isolation)
            kept = await self._received(request)
        except EnvironmentUnavailable as error:
            raise Refused(503, f"this hub runs no models: {error.what}") from None
        except queue.QueueFull as error:
            raise Refused(429, error.what, headers={"Retry-After": str(AGAIN_S)}) from None
        self.jobs.wake()
        return kept

    async def _received(self, request: Request) -> JobCard:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
            read = await of_at_most(request, self.bounds.input_bytes + _BESIDE).body()
            return await run_in_threadpool(lambda: self._put(of_json(read, self.shelf), None))
        form = await form_of(of_at_most(request, self.bounds.upload_bytes + _BESIDE), self.bounds.input_bytes)
        try:
            texts, file = parts_of(form)
            return await run_in_threadpool(lambda: self._put(of_form(texts, self.shelf), file))
        finally:
            await form.close()

    def _put(self, asked: Predict | Verify, file: BinaryIO | None) -> JobCard:
        """Into the queue, with its file kept; a file whose job is refused goes again."""
        with self.database.reading() as session:
            queue.refuse_full(session, self.asker, self.bounds)  # before anything is kept
        name = None if file is None else self.jobs.uploads.keep(file, self.bounds.upload_bytes)
        try:
            request = checked(asked, self.shelf, self.bounds, None if name is None else self.jobs.uploads.path(name))
            if name is not None and asked.kind == "predict":
                request["input"]["upload"] = name
            with self.database.writing() as session:
                job = queue.submit(session, asked.kind, request, self.owner, self.asker, self.bounds)
                return self._card(session, job)
        except BaseException:
            if name is not None:
                self.jobs.uploads.remove(name)
            raise

    # -- those that are there -----------------------------------------------------------------

    def card(self, identity: str) -> JobCard:
        """A job; whoever has its id may see it.

        Raises:
            Refused: 404, there is none.
        """
        with self.database.reading() as session:
            return self._card(session, self._job(session, identity))

    def cancel(self, identity: str) -> JobCard:
        """The same, cancelled, unless it has ended.

        Raises:
            Refused: 403, somebody gave it under a name of their own; 404, there is none.
        """
        with self.database.writing() as session:
            if self._job(session, identity).owner not in (None, self.owner):
                raise Refused(403, "the job is somebody else's")
            queue.cancel(session, identity)
        return self.card(identity)

    def listed(self) -> JobList:
        """What waits and runs, and the jobs of whoever asks by name: an id is all that is needed to see a job, so
        those of others are nobody's business.
        """
        own = select(Job).where(Job.owner == self.owner).order_by(Job.created.desc()).limit(_LISTED)
        with self.database.reading() as session:
            jobs = [] if self.owner is None else [self._card(session, job) for job in session.scalars(own)]
            waiting, running = queue.waiting_count(session), queue.running_count(session)
        return JobList(waiting, running, isolation(self.bounds), jobs)

    def _card(self, session: Session, job: Job) -> JobCard:
        return card(job, queue.position(session, job, self.jobs.plan.apart))

    @staticmethod
    def _job(session: Session, identity: str) -> Job:
        job = session.get(Job, identity)
        if job is None:
            raise Refused(404, "there is no such job", hint="jobs are forgotten some time after their end")
        return job


def isolation(bounds: Bounds) -> str:
    """What keeps a model from the hub's machine, in words."""
    try:
        held = best(bounds.isolation)
    except EnvironmentUnavailable as error:
        return f"this hub runs no models: {error.what}"
    if held.whole:
        return f"models run without the network and the files of this machine ({held.mechanism})"
    return f"models are not kept from the machine of this hub: files: {held.files}, network: {held.network}"


def _door(request: Request, hub: Hub, store: Store, shelf: OnShelf, jobs: OfHub, writer: MaybeWriter) -> Door:
    owner = None if writer is None else writer.owner
    if writer is not None and not writer.may(SCOPE):
        if not hub.open_jobs:
            raise Refused(403, f"the token is not good for {SCOPE}")
        owner = None
    asker = f"address {client(request.scope)}" if owner is None else f"owner {owner}"
    return Door(jobs, store, shelf, hub.jobs, hub.open_jobs, owner, asker[:NAME])


AtDoor = Annotated[Door, Depends(_door)]
#: What an answer that is no job looks like.
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    401: {"description": "A token is needed."},
    403: {"description": "It comes from a page of another site, or the job is somebody else's."},
    404: {"description": "There is no such model or claim."},
    413: {"description": "It is too large."},
    422: {"description": "It is not what a job, a model or a claim takes."},
    429: {"description": "The queue is full."},
    503: {"description": "This hub cannot do it at this moment."},
}

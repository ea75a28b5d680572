"""The queue: jobs in the database, each run to its end once.

It is shared among those who ask: the second job of one waits for the first of everybody else. So a job has a turn when
it comes: the one behind its asker's last that waits, and not before those of the jobs that wait. Of one turn, the job
that came first is taken first.

A worker holds a job by a lease. Whatever it writes of the job is written only while the job is still its own, so one
that was thought dead and comes back changes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, CursorResult, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.hub.jobs.bounds import Bounds
from pytest_mlmodelscope.store.tables import Job

State = Literal["queued", "running", "finished", "failed", "cancelled"]
#: States that a job does not leave any more.
ENDED: Final[tuple[State, ...]] = ("finished", "failed", "cancelled")
Kind = Literal["predict", "verify"]
KINDS: Final[tuple[Kind, ...]] = ("predict", "verify")
#: Bytes of chance in a job's id, which is all that is needed to see the job.
_CHANCE: Final = 16
#: What is kept of a message.
_MESSAGE: Final = 4000
#: In which order jobs are taken.
IN_TURN: Final = (Job.turn, Job.created, Job.id)
#: Objects of the session are not kept in step with what a statement changes.
_APART: Final = {"synchronize_session": False, "populate_existing": True}
_AGAIN: Final = {"state": "queued", "worker": None, "lease": None, "started": None, "progress": 0.0, "message": ""}


class QueueFull(UsageError):
    """So many jobs wait already that no other is taken."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A worker's hold on a job: the ``attempt`` tells it from an earlier one of the same worker."""

    id: str
    worker: str
    attempt: int


# -- who asks ---------------------------------------------------------------------------------


def submit(
    session: Session,
    kind: str,
    request: Mapping[str, Any],
    owner: str | None = None,
    asker: str | None = None,
    bounds: Bounds | None = None,
) -> Job:
    """A new job in the queue; what it asks for has been looked at before. ``owner`` may cancel it, where it is not
    None; the queue is shared among askers.

    Raises:
        QueueFull: too many wait already.
    """
    refuse_full(session, asker, bounds or Bounds())
    job = Job(
        id=secrets.token_hex(_CHANCE),
        kind=kind,
        request=dict(request),
        state="queued",
        message="",
        created=datetime.now(UTC),
        owner=owner,
        asker=asker,
        turn=_turn(session, asker),
    )
    session.add(job)
    session.flush()
    return job


def _turn(session: Session, asker: str | None) -> int:
    own = session.scalar(select(func.max(Job.turn)).where(Job.state == "queued", Job.asker == asker))
    first = session.scalar(select(func.min(Job.turn)).where(Job.state == "queued"))
    return max(first or 0, 0 if own is None else own + 1)


def refuse_full(session: Session, asker: str | None, bounds: Bounds) -> None:
    """Say that no other job can wait.

    Raises:
        QueueFull: it is so.
    """
    if (own := _count(session, Job.state == "queued", Job.asker == asker)) >= bounds.each:
        raise QueueFull("so many jobs of yours wait already", expected=f"at most {bounds.each}", got=str(own))
    if (waiting := waiting_count(session)) >= bounds.queue:
        raise QueueFull("the queue is full", expected=f"at most {bounds.queue} jobs that wait", got=str(waiting))


def waiting_count(session: Session) -> int:
    """How many jobs wait."""
    return _count(session, Job.state == "queued")


def running_count(session: Session) -> int:
    """How many jobs run."""
    return _count(session, Job.state == "running")


def position(session: Session, job: Job, apart: bool) -> int | None:
    """Which one it is of those that wait, the next one is 1; where kinds are taken ``apart``, of its own kind. None
    where it does not wait.
    """
    return places(session, apart).get(job.id) if job.state == "queued" else None


def places(session: Session, apart: bool) -> dict[str, int]:
    """The same of all jobs that wait: no more of them do than may."""
    of = func.row_number().over(partition_by=Job.kind if apart else None, order_by=IN_TURN)
    return dict(session.execute(select(Job.id, of).where(Job.state == "queued")).all())


def cancel(session: Session, identity: str) -> None:
    """Take a job out of the queue, or ask its worker to end it; one that has ended stays as it is."""
    waits = update(Job).where(Job.id == identity, Job.state == "queued")
    if not _changed(session, waits.values(**_end("cancelled", "cancelled before it began"))):
        runs = update(Job).where(Job.id == identity, Job.state == "running", Job.unwanted.is_(False))
        _changed(session, runs.values(unwanted=True, message="it is being ended", version=Job.version + 1))


# -- who runs it ------------------------------------------------------------------------------


def anything(session: Session, kinds: Collection[str] = KINDS) -> bool:
    """Whether a job of these kinds waits, or one was lost by its worker."""
    waits = and_(Job.state == "queued", Job.kind.in_(kinds))
    lost = and_(Job.state == "running", Job.lease < datetime.now(UTC))
    return session.scalar(select(Job.id).where(or_(waits, lost)).limit(1)) is not None


def take(session: Session, worker: str, lease_s: float, kinds: Collection[str] = KINDS) -> Job | None:
    """The job of these kinds whose turn it is, now held by ``worker``; None when none waits."""
    waiting = select(Job.id).where(Job.state == "queued", Job.kind.in_(kinds))
    first = waiting.order_by(*IN_TURN).limit(1)
    # SQLite lets one writer in at a time; elsewhere two workers that look at once look past each other's job.
    chosen = first.with_for_update(skip_locked=True).scalar_subquery()
    now = datetime.now(UTC)
    taken = (
        update(Job)
        .where(Job.id == chosen, Job.state == "queued")
        .values(
            state="running",
            worker=worker,
            started=now,
            lease=now + timedelta(seconds=lease_s),
            attempts=Job.attempts + 1,
            progress=0.0,
            message="",
            version=Job.version + 1,
        )
        .returning(Job)
    )
    return session.scalars(taken, execution_options=_APART).one_or_none()


def held(job: Job) -> Hold:
    """The hold of the worker that has just taken a job."""
    return Hold(job.id, str(job.worker), job.attempts)


def renew(session: Session, hold: Hold, lease_s: float) -> Literal["kept", "unwanted", "lost"]:
    """Hold it for longer; *unwanted* when somebody cancelled it, *lost* when it is no longer this worker's."""
    lease = datetime.now(UTC) + timedelta(seconds=lease_s)
    renewed = update(Job).where(*_own(hold)).values(lease=lease).returning(Job.unwanted)
    return _standing(session.scalars(renewed, execution_options=_APART).one_or_none())


def wanted(session: Session, hold: Hold) -> Literal["kept", "unwanted", "lost"]:
    """The same, without holding it for longer."""
    return _standing(session.scalar(select(Job.unwanted).where(*_own(hold))))


def tell(session: Session, hold: Hold, share: float, message: str) -> bool:
    """Write how far it is; False when it is no longer this worker's."""
    told = {"progress": min(1.0, max(0.0, share)), "message": _bounded(message), "version": Job.version + 1}
    return _changed(session, update(Job).where(*_own(hold), Job.unwanted.is_(False)).values(**told))


def finish(session: Session, hold: Hold, result: Callable[[], Mapping[str, Any]]) -> bool:
    """It is done; False when it is no longer this worker's, whose ``result`` is not even made then."""
    if not _changed(session, update(Job).where(*_own(hold)).values(**_end("finished", ""), progress=1.0)):
        return False
    session.execute(update(Job).where(Job.id == hold.id).values(result=dict(result())), execution_options=_APART)
    return True


def fail(session: Session, hold: Hold, reason: str) -> bool:
    """It cannot be done; False as above."""
    return _changed(session, update(Job).where(*_own(hold)).values(**_end("failed", reason)))


def let_go(session: Session, hold: Hold) -> bool:
    """It was cancelled while it ran, and has been ended; False as above."""
    return _changed(session, update(Job).where(*_own(hold)).values(**_end("cancelled", "cancelled while it ran")))


def give_back(session: Session, hold: Hold) -> bool:
    """A worker that ends in order puts its job back to where it was; False as above."""
    again = {**_AGAIN, "attempts": Job.attempts - 1, "version": Job.version + 1}
    return _changed(session, update(Job).where(*_own(hold)).values(**again))


# -- who looks after it -----------------------------------------------------------------------


def sweep(session: Session, bounds: Bounds) -> None:
    """Jobs whose worker was lost: back into the queue, or failed when that happened too often."""
    lost = update(Job).where(Job.state == "running", Job.lease < datetime.now(UTC))
    often = f"its worker was lost {bounds.attempts} times, the last time at: "
    _changed(session, lost.where(Job.unwanted).values(**_end("cancelled", "cancelled while it ran")))
    ended = {**_end("failed", ""), "message": often + func.coalesce(func.nullif(Job.message, ""), "its beginning")}
    _changed(session, lost.where(Job.attempts >= bounds.attempts).values(**ended))
    _changed(session, lost.values(**_AGAIN, version=Job.version + 1))


def forget(session: Session, bounds: Bounds) -> None:
    """Jobs that ended long ago are removed."""
    before = datetime.now(UTC) - timedelta(seconds=bounds.keep_s)
    session.execute(delete(Job).where(Job.state.in_(ENDED), Job.finished < before), execution_options=_APART)


def uploads_in_use(session: Session) -> set[str]:
    """The uploads of jobs that have not ended."""
    requests = session.scalars(select(Job.request).where(Job.state.not_in(ENDED), Job.kind == "predict"))
    return {request["input"]["upload"] for request in requests if "upload" in request["input"]}


def _standing(unwanted: bool | None) -> Literal["kept", "unwanted", "lost"]:
    return "lost" if unwanted is None else "unwanted" if unwanted else "kept"


def _own(hold: Hold) -> tuple[ColumnElement[bool], ...]:
    return Job.id == hold.id, Job.state == "running", Job.worker == hold.worker, Job.attempts == hold.attempt


def _end(state: State, message: str) -> dict[str, Any]:
    told = {"state": state, "message": _bounded(message), "finished": datetime.now(UTC)}
    return {**told, "worker": None, "lease": None, "asker": None, "version": Job.version + 1}


def _bounded(message: str) -> str:
    # PostgreSQL has no character 0 in a text.
    text = message.replace("\0", "")
    return text if len(text) <= _MESSAGE else text[: _MESSAGE - 4] + " ..."


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Job).where(*conditions)) or 0


def _changed(session: Session, statement: Any) -> bool:
    done = session.execute(statement, execution_options=_APART)
    assert isinstance(done, CursorResult)
    return done.rowcount > 0

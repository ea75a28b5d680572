"""What is told of a job: to programs by REST, to listeners while it runs, and on its page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pytest_mlmodelscope.hub.jobs import queue
from pytest_mlmodelscope.store.tables import Job


@dataclass(frozen=True, slots=True)
class JobCard:
    """A job as whoever has its id sees it.

    ``state``: *queued* (``position`` 1 is the next), *running* (``progress`` from 0 to 1), *finished* (``result``),
    *failed* (``message`` says why) or *cancelled*. ``version`` grows with each change.
    """

    id: str
    kind: str
    state: queue.State
    version: int
    position: int | None
    progress: float
    message: str
    created: datetime
    started: datetime | None
    finished: datetime | None
    attempts: int
    request: dict[str, Any]
    result: dict[str, Any] | None

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in queue.ENDED

    @property
    def mark(self) -> str:
        """The same for two cards that say the same."""
        return f"{self.version}.{self.position or 0}"


@dataclass(frozen=True, slots=True)
class JobList:
    """How many jobs wait and run, and those of whoever asks, the newest first. ``isolation`` says what keeps models
    from the hub's machine.
    """

    queued: int
    running: int
    isolation: str
    jobs: list[JobCard]


def card(job: Job, position: int | None) -> JobCard:
    """What is told of a job now."""
    return JobCard(
        id=job.id,
        kind=job.kind,
        state=job.state,  # type: ignore[arg-type]  # the queue writes no others
        version=job.version,
        position=position,
        progress=job.progress,
        message=job.message,
        created=job.created,
        started=job.started,
        finished=job.finished,
        attempts=job.attempts,
        request={**job.request, **_input_told(job.request)},
        result=job.result,
    )


def _input_told(request: dict[str, Any]) -> dict[str, Any]:
    """What was sent, in words: it may be large, and the name of a file is nobody's but the hub's."""
    if "input" not in request:
        return {}
    pixels = request["input"].get("pixels")
    return {"input": request["input"].get("told", "")} | ({"pixels": pixels} if pixels else {})

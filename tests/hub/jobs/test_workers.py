"""Workers are processes: they run jobs, let go of them, and fall."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from telling import asking, below, gone

from pytest_mlmodelscope.core.errors import InputError
from pytest_mlmodelscope.hub.jobs import queue
from pytest_mlmodelscope.hub.jobs.uploads import Uploads

ENDED = set(queue.ENDED)
#: Takes jobs as fast as it can, and says which.
TAKING = """
import sys
from pytest_mlmodelscope.hub.jobs import queue
from pytest_mlmodelscope.store.database import Database
with Database(sys.argv[1]) as database:
    while True:
        with database.writing() as session:
            job = queue.take(session, sys.argv[2], 15)
            if job is None:
                break
            print(job.id, flush=True)
            assert queue.finish(session, queue.held(job), lambda: {"by": sys.argv[2]})
"""


@pytest.fixture
def started(worker_of, database_address, tmp_path):
    """Starts a worker on the database of a test: ``started(lease_s=2)``."""
    with ExitStack() as running:
        yield lambda **bounds: running.enter_context(worker_of(database_address, tmp_path, **bounds))


#: What a job goes through is the same everywhere (``test_queue.py``); who gets it of two is the database's affair.
on_sqlite = pytest.mark.parametrize("database_address", ["sqlite"], indirect=True)


@on_sqlite
def test_a_worker_that_is_killed_loses_its_job_to_another_and_takes_its_processes_with_it(started, put, until) -> None:
    identity = put("hello 4")
    first = started()
    until(identity, asking)
    family = below(first)
    assert family  # the process that runs the job, and the model's
    os.kill(first.pid, signal.SIGKILL)
    assert gone(family)
    second = started()
    done = until(identity, lambda job: job.state in ENDED)
    assert (done.state, done.attempts) == ("finished", 2)
    assert second.poll() is None


@on_sqlite
def test_a_worker_that_stood_still_past_its_lease_writes_nothing_of_the_job(started, put, until) -> None:
    identity = put("hello 3")
    first = started(lease_s=1.0)
    until(identity, asking)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        started(lease_s=1.0)
        until(identity, lambda job: job.attempts == 2)
    finally:
        os.kill(first.pid, signal.SIGCONT)
    done = until(identity, lambda job: job.state in ENDED)
    assert (done.state, done.attempts) == ("finished", 2)


@on_sqlite
def test_a_prediction_waits_for_no_verification_where_there_are_two_workers(started, put, until, database, job) -> None:
    with database.writing() as session:
        long = queue.submit(session, "verify", {"claim": "none", "framework": None, "target": "cpu"}).id
    quick = put("hello")
    started(workers=2)
    assert until(quick, lambda job: job.state in ENDED).state == "finished"
    assert job(long).state == "queued"


@on_sqlite
def test_a_job_that_costs_three_workers_their_life_has_failed_and_says_so(started, put, until, job) -> None:
    identity = put("hello 100")
    for attempt in (1, 2, 3):
        worker = started(lease_s=1.0)
        until(identity, lambda job, attempt=attempt: (job.state, job.attempts) == ("running", attempt))
        os.kill(worker.pid, signal.SIGKILL)
    started(lease_s=1.0)
    done = until(identity, lambda job: job.state in ENDED)
    assert (done.state, done.attempts) == ("failed", 3)
    assert done.message.startswith("its worker was lost 3 times, the last time at: ")


@on_sqlite
def test_a_job_that_takes_too_long_is_ended(started, put, until) -> None:
    identity = put("hello 100")
    worker = started(seconds=4.0)
    done = until(identity, lambda job: job.state in ENDED)
    assert done.state == "failed"
    assert done.message == "it took longer than 4 s and was ended"
    assert worker.poll() is None


@on_sqlite
def test_who_asked_is_told_why_without_the_paths_of_this_machine(started, put, until, job_shelf) -> None:
    identity = put("hello", "broken")
    started()
    done = until(identity, lambda job: job.state in ENDED)
    assert done.state == "failed"
    assert "cannot read" in done.message
    assert "broken.py" in done.message
    for folder in (Path.home(), tempfile.gettempdir(), *job_shelf.catalogue.roots):
        assert str(folder) not in done.message


@on_sqlite
def test_a_worker_whose_hub_is_no_more_puts_its_job_back(started, put, until) -> None:
    identity = put("hello 100")
    worker = started()
    until(identity, asking)
    family = below(worker)
    worker.stdin.close()
    assert worker.wait(30) == 0
    assert gone(family)
    found = until(identity, lambda job: job.state == "queued")
    assert found.attempts == 0


def test_processes_that_take_jobs_at_once_take_each_once(database_address, put) -> None:
    asked = {put(f"job {number}") for number in range(24)}
    words = [sys.executable, "-c", TAKING, database_address]
    takers = [subprocess.Popen([*words, f"w{n}"], stdout=subprocess.PIPE, text=True) for n in range(3)]
    taken = [identity for taker in takers for identity in taker.communicate(timeout=60)[0].split()]
    assert all(taker.returncode == 0 for taker in takers)
    assert len(taken) == len(asked)
    assert set(taken) == asked


def test_uploads_have_names_of_their_own_and_a_bound(tmp_path) -> None:
    uploads = Uploads(tmp_path / "uploads")
    given = tmp_path / "given"
    given.write_bytes(b"x" * 100)
    with given.open("rb") as file:
        name = uploads.keep(file, 100)
    assert uploads.path(name).read_bytes() == b"x" * 100
    assert uploads.path(name).stat().st_mode & 0o077 == 0
    with given.open("rb") as file, pytest.raises(InputError, match="too large"):
        uploads.keep(file, 99)
    assert [path.name for path in uploads.folder.iterdir()] == [name]
    os.utime(uploads.path(name), (time.time() - 100, time.time() - 100))
    uploads.tidy({name}, 50)
    assert uploads.path(name).exists()
    uploads.tidy(set(), 50)
    assert not uploads.path(name).exists()

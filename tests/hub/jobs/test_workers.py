"""Workers are processes: they run jobs, let go of them, and fall."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from pytest_mlmodelscope.core.errors import InputError
from pytest_mlmodelscope.hub.jobs import queue
from pytest_mlmodelscope.hub.jobs.bounds import Bounds
from pytest_mlmodelscope.hub.jobs.uploads import Uploads
from pytest_mlmodelscope.hub.jobs.worker import Plan

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
def started(database_address, job_shelf, tmp_path):
    """Starts a worker: ``started(lease_s=2)``."""
    running = []

    def start(**bounds):
        plan = Plan(
            database=database_address,
            uploads=str(tmp_path / "uploads"),
            bounds=Bounds(**{"lease_s": 3.0, **bounds}),
            manifests=tuple(map(str, job_shelf.catalogue.roots)),
        )
        words = [sys.executable, "-m", "pytest_mlmodelscope.hub.jobs.worker"]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True)
        running.append(process)
        process.stdin.write(plan.line())
        process.stdin.flush()
        return process

    yield start
    for process in running:
        process.stdin.close()
        process.wait(40)


def below(process) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def gone(processes, seconds: float = 20.0) -> bool:
    return not psutil.wait_procs(processes, timeout=seconds)[1]


#: What a job goes through is the same everywhere; what two workers do at once is the database's affair.
on_sqlite = pytest.mark.parametrize("database_address", ["sqlite"], indirect=True)


def asking(job) -> bool:
    return job.state == "running" and "asking" in job.message


@on_sqlite
def test_a_job_is_run_and_its_file_goes(started, put, until, job, tmp_path) -> None:
    identity = put("hello")
    started()
    done = until(identity, lambda job: job.state in ENDED)
    assert done.state == "finished", done.message
    (answered,) = done.result["predictions"]
    assert answered["answers"][0]["value"] == "HELLO"
    assert answered["framework"] == "python"
    assert answered["latency_s"] > 0
    assert list((tmp_path).glob("uploads/*")) == []


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
def test_a_cancelled_job_ends_its_models_process(started, put, until, database) -> None:
    identity = put("hello 100")
    worker = started()
    until(identity, asking)
    family = below(worker)
    with database.writing() as session:
        queue.cancel(session, identity)
    assert until(identity, lambda job: job.state in ENDED).state == "cancelled"
    assert gone(family)
    following = put("next")
    assert until(following, lambda job: job.state in ENDED).state == "finished"


@on_sqlite
def test_a_job_that_takes_too_long_is_ended(started, put, until) -> None:
    identity = put("hello 100")
    worker = started(seconds=4.0)
    done = until(identity, lambda job: job.state in ENDED)
    assert done.state == "failed"
    assert done.message == "it took longer than 4 s and was ended"
    assert worker.poll() is None


@on_sqlite
def test_a_model_that_dies_costs_its_job_and_says_so(started, put, until) -> None:
    identity = put("die 0")
    worker = started()
    done = until(identity, lambda job: job.state in ENDED)
    assert done.state == "failed"
    assert "python: the worker was ended by SIGKILL" in done.message
    assert worker.poll() is None


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


@on_sqlite
def test_a_result_that_is_too_large_fails_its_job(started, put, until) -> None:
    identity = put("hello")
    started(result_bytes=20)
    done = until(identity, lambda job: job.state in ENDED)
    assert done.state == "failed"
    assert "the result is too large" in done.message


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

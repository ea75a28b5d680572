"""One worker runs job after job, whatever becomes of each."""

from __future__ import annotations

import pytest
from telling import asking, below, gone

from pytest_mlmodelscope.hub.jobs import queue

ENDED = set(queue.ENDED)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("worker")


@pytest.fixture(scope="module")
def database_address(folder) -> str:
    """One database for all of these tests; what a job goes through is the same in each kind."""
    return str(folder / "results.sqlite")


@pytest.fixture(scope="module")
def worker(worker_of, database_address, folder):
    """The worker, which every test has to leave as it is."""
    with worker_of(database_address, folder, result_bytes=2000) as process:
        yield process


@pytest.fixture(autouse=True)
def _stays(worker):
    yield
    assert worker.poll() is None


def test_a_job_is_run_and_its_file_goes(put, until, folder) -> None:
    done = until(put("hello"), lambda job: job.state in ENDED)
    assert done.state == "finished", done.message
    (answered,) = done.result["predictions"]
    assert answered["answers"][0]["value"] == "HELLO"
    assert answered["framework"] == "python"
    assert answered["latency_s"] > 0
    assert list(folder.glob("uploads/*")) == []


def test_a_cancelled_job_ends_its_models_process(put, until, database, worker) -> None:
    identity = put("hello 100")
    until(identity, asking)
    family = below(worker)
    assert family  # the process that runs the job, and the model's
    with database.writing() as session:
        queue.cancel(session, identity)
    assert until(identity, lambda job: job.state in ENDED).state == "cancelled"
    assert gone(family)
    assert until(put("next"), lambda job: job.state in ENDED).state == "finished"


def test_a_model_that_dies_costs_its_job_and_says_so(put, until) -> None:
    done = until(put("die 0"), lambda job: job.state in ENDED)
    assert done.state == "failed"
    assert "python: the worker was ended by SIGKILL" in done.message


def test_a_result_that_is_too_large_fails_its_job(put, until) -> None:
    done = until(put("x" * 2000), lambda job: job.state in ENDED)
    assert done.state == "failed"
    assert "the result is too large" in done.message

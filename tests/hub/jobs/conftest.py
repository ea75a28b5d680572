"""A hub with its own small models, and workers that are real processes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest

from pytest_mlmodelscope.hub.jobs import queue
from pytest_mlmodelscope.hub.jobs.bounds import Bounds
from pytest_mlmodelscope.hub.jobs.worker import Plan
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.tables import Job

#: A model that takes as long to answer as it is told to, and may do worse.
SLOW = """
import os, signal, time
def answer(text):
    word, _, seconds = text.partition(" ")
    time.sleep(float(seconds or 0))
    if word == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return word.upper()
"""


#: A model that cannot be loaded.
BROKEN = """
raise OSError("cannot read " + __file__)
"""


def write_model(folder: Path, name: str, code: str) -> None:
    """The manifest of a model of texts, beside those that are in ``folder``."""
    models = folder / "manifests" / "models"
    models.mkdir(parents=True, exist_ok=True)
    (models / f"{name}.py").write_text(code)
    digest = hashlib.sha256(code.encode()).hexdigest()
    (models / f"{name}.yml").write_text(
        dedent(f"""\
        schema: model/1
        name: {name}
        version: "1"
        task: shouting
        license: Apache-2.0
        description: Answers in capital letters, after so many seconds as the text says.
        assets:
          code: {{path: {name}.py, sha256: {digest}, size: {len(code)}, license: Apache-2.0}}
        inputs:
          - {{name: text, dtype: string, shape: [batch]}}
        outputs:
          - {{name: shouted, dtype: string, shape: [batch]}}
        frameworks:
          python: {{assets: {{code: code}}, entry: "{name}:answer"}}
        """)
    )


@pytest.fixture(scope="session")
def job_shelf(tmp_path_factory, write_digits) -> Shelf:
    """``digits-means`` on ONNX Runtime, ``slow`` and ``broken`` on Python, and the bundled models and claims."""
    folder = write_digits(tmp_path_factory.mktemp("jobs"))
    write_model(folder, "slow", SLOW)
    write_model(folder, "broken", BROKEN)
    return Shelf([folder / "manifests"])


@pytest.fixture(scope="session")
def worker_of(job_shelf):
    """Has a worker, a real process, on a database: ``with worker_of(address, folder, lease_s=2) as process``; the
    first of so many ``workers``.
    """

    @contextmanager
    def running(address, folder, workers=1, **bounds):
        plan = Plan(
            database=address,
            uploads=str(folder / "uploads"),
            bounds=Bounds(**{"lease_s": 3.0, **bounds}),
            workers=workers,
            manifests=tuple(map(str, job_shelf.catalogue.roots)),
        ).of_worker(0)
        words = [sys.executable, "-m", "pytest_mlmodelscope.hub.jobs.worker"]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True)
        try:
            process.stdin.write(plan.line())
            process.stdin.flush()
            yield process
        finally:
            process.stdin.close()
            process.wait(40)

    return running


@pytest.fixture
def database(database_address):
    """An empty database: of SQLite, then of PostgreSQL."""
    with Database(database_address) as found:
        yield found


@pytest.fixture
def put(database):
    """Puts a job for ``slow`` into the queue: ``put("hello 2")``."""

    def one(text: str, model: str = "slow", **bounds) -> str:
        request = {"model": model, "frameworks": ["python"], "target": "cpu", "input": {"text": text, "told": text}}
        with database.writing() as session:
            return queue.submit(session, "predict", request, bounds=Bounds(**bounds)).id

    return one


@pytest.fixture
def job(database):
    """A job of an id, as it is now."""

    def one(identity: str) -> Job:
        with database.reading() as session:
            found = session.get(Job, identity)
            assert found is not None
            return found

    return one


@pytest.fixture
def until(job):
    """Waits until a job is so: ``until(identity, lambda job: job.state == "finished")``."""

    def wait(identity: str, so, seconds: float = 60.0) -> Job:
        deadline = time.monotonic() + seconds
        while not so(found := job(identity)):
            assert time.monotonic() < deadline, (found.state, found.progress, found.message)
            time.sleep(0.05)
        return found

    return wait

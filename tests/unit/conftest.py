"""Results, cases and records to build on, made by the engine's own types."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_mlmodelscope.core.claim import Claim, Conditions, DataUse, Source, Tolerance
from pytest_mlmodelscope.core.manifest import FrameworkUse, ModelManifest
from pytest_mlmodelscope.core.result import Case, Interval, Measurement, Result, Verdict
from pytest_mlmodelscope.record import build, machine
from pytest_mlmodelscope.record.case import case_record


def make_claim(**changes):
    fields = {
        "id": "eld-m",
        "model": "eld",
        "metric": "top_k_accuracy",
        "value": 99.4,
        "unit": "%",
        "direction": "higher",
        "tolerance": Tolerance("absolute", 0.05, derived=True),
        "source": Source(
            "Efficient language detector", "99.4 %", "METADATA, table 2", "2026-11-20", authors=("A. B.",)
        ),
        "dataset": DataUse("eld-big-test", "test"),
        "conditions": Conditions(),
        "path": Path("claims/eld.yml"),
        "line": 12,
    }
    return Claim(**{**fields, **changes})


def make_case(claim=None, framework="python"):
    claim = claim or make_claim()
    use = FrameworkUse(framework)
    model = ModelManifest(claim.model, "1.0.6", "language", "Apache-2.0", "", {framework: use}, digest="m" * 64)
    return Case(claim, model, use, "cpu")


def accuracy_result(value=99.407, n=60_000, word="confirmed", **changes):
    measurement = Measurement(value, "%", n, Interval(value, value, 1.0, "every item evaluated"), census=True)
    fields = {
        "case": make_case(),
        "verdict": Verdict(word, f"{value} % is within the claim"),
        "measurement": measurement,
        "steps": {"predict": 12.5},
        "software": {"framework": "python", "version": "1.0.6", "threads": 1},
        "predictions": {"sha256": "p" * 64, "items": n, "file": "predictions/x.jsonl.gz"},
        "data_digest": "d" * 64,
        "seconds": 13.1,
    }
    return Result(**{**fields, **changes})


def timed_result(runs=(0.11, 0.12, 0.12, 0.12, 0.13), timings_ns=None, word="confirmed", **changes):
    claim = make_claim(
        id="vad-latency",
        model="silero-vad",
        metric="latency",
        value=1.0,
        unit="ms",
        direction="lower",
        tolerance=Tolerance("relative", 0.05),
        conditions=Conditions(threads=1),
    )
    value = sorted(runs)[len(runs) // 2]
    measurement = Measurement(
        value, "ms", 500, Interval(min(runs), max(runs), 0.95, "t over 5 process runs"), runs=tuple(runs), kind="timed"
    )
    fields = {
        "case": make_case(claim, "onnxruntime"),
        "verdict": Verdict(word, f"{value} ms is within the claim"),
        "measurement": measurement,
        "timings_ns": tuple(timings_ns or (100_000 + 500 * index for index in range(100))),
        "software": {"framework": "onnxruntime", "version": "1.20.0"},
        "data_digest": "e" * 64,
    }
    return Result(**{**fields, **changes})


@pytest.fixture(name="make_claim")
def _make_claim():
    """A function that makes a claim; keywords change its fields."""
    return make_claim


@pytest.fixture(name="make_case")
def _make_case():
    """A function that makes a case of a claim and a framework."""
    return make_case


@pytest.fixture(name="accuracy_result")
def _accuracy_result():
    """A function that makes a result over items; keywords change its fields."""
    return accuracy_result


@pytest.fixture(name="timed_result")
def _timed_result():
    """A function that makes a timed result; keywords change its fields."""
    return timed_result


@pytest.fixture(scope="session")
def _record():
    cases = [case_record(accuracy_result()), case_record(timed_result())]
    return build.build(cases, machine.machine_facts(), machine.software_facts(), None, {"offline": False})


@pytest.fixture
def record(_record):
    """A record of one accuracy case and one timed case, to be changed at will."""
    return copy.deepcopy(_record)


#: Keeps a core busy with so many threads, for a minute at most; hashing lets them run side by side.
BUSY = """
import hashlib, sys, threading, time
def work(data=bytes(2**20), end=time.monotonic() + 60):
    while time.monotonic() < end:
        hashlib.sha256(data)
for _ in range(int(sys.argv[1])):
    threading.Thread(target=work).start()
print(flush=True)
"""


@pytest.fixture
def busy():
    """Starts a process that wants a core all the time, on the first that there is: ``busy(threads)``."""
    started = []

    def start(threads=1):
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, [min(before)])
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", BUSY, str(threads)], stdout=subprocess.PIPE, start_new_session=True
            )
        finally:
            os.sched_setaffinity(0, before)
        started.append(process)
        process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()

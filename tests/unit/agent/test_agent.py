"""What an agent does with a model that behaves."""

import dataclasses
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.core.errors import ModelError, NotApplicable
from pytest_mlmodelscope.worker.counting import CALLS

from .conftest import FAST, X, request_for


def numbered(count):
    return ({"x": np.full((2, 3), number, dtype=np.float32)} for number in range(count))


def test_outputs_and_nanoseconds_come_back(worker):
    outputs, spent = worker("echo").predict(X)
    assert np.array_equal(outputs["x"], X["x"])
    assert 0 < spent < 1e9


def test_the_threads_reach_the_worker_before_any_library_starts(worker):
    assert worker("echo", threads=1).describe["threads"] == "1"


def test_without_a_number_of_threads_the_library_chooses(worker):
    agent = worker("echo")
    assert agent.open(request_for("echo", threads=None))["threads"] is None


def test_opening_again_takes_a_fresh_process(worker):
    agent = worker("echo")
    assert agent.open(request_for("echo"))["itself"] != agent.describe["itself"]


def test_a_stream_keeps_the_order(worker):
    found = [int(outputs["x"][0, 0]) for outputs, _ in worker("echo").predict_stream(numbered(200))]
    assert found == list(range(200))


def test_a_stream_carries_tensors_that_no_pipe_holds(worker):
    big = np.arange(2_000_000, dtype=np.float64)
    answers = worker("echo").predict_stream({"x": big + number} for number in range(4))
    assert [outputs["x"][-1] for outputs, _ in answers] == [1_999_999 + number for number in range(4)]


def test_an_empty_stream_is_empty(worker):
    assert list(worker("echo").predict_stream([])) == []


def test_what_the_producer_raises_reaches_the_caller_after_the_answers_before_it(worker):
    def producer():
        yield from numbered(3)
        raise KeyError("no such picture")

    agent, found = worker("echo"), []
    with pytest.raises(KeyError, match="no such picture"):
        found.extend(agent.predict_stream(producer()))
    assert len(found) == 3
    assert agent.predict(X)[1] > 0


def test_a_stream_that_is_left_early_leaves_the_worker_usable(worker):
    agent = worker("echo")
    stream = agent.predict_stream(numbered(10_000))
    next(stream)
    stream.close()
    assert np.array_equal(agent.predict(X)[0]["x"], X["x"])
    assert not [thread for thread in threading.enumerate() if thread.name == "mlms-stream"]


def test_a_slow_consumer_is_not_a_timeout(worker):
    agent = worker("echo", dataclasses.replace(FAST, predict_s=0.3))
    stream = agent.predict_stream({"x": np.zeros(500_000)} for _ in range(12))
    next(stream)
    time.sleep(0.5)
    assert len(list(stream)) == 11


def test_a_slow_producer_is_not_a_timeout(worker):
    def producer():
        yield X
        time.sleep(0.5)
        yield X

    assert len(list(worker("echo", dataclasses.replace(FAST, predict_s=0.3)).predict_stream(producer()))) == 2


DECLARED = [{"name": "x", "dtype": "float32", "shape": ["batch", 3]}]
UNFIT = {
    "name": {"y": X["x"]},
    "dtype": {"x": X["x"].astype(np.float64)},
    "shape": {"x": np.repeat(X["x"], 2, axis=1)},
    "extra": {**X, "y": X["x"]},
}


@pytest.mark.parametrize("unfit", UNFIT)
def test_what_the_manifest_does_not_declare_never_reaches_the_model(worker, unfit):
    agent = worker("echo")
    agent.open({**request_for("echo"), "inputs": DECLARED})
    settings = {
        "warmup": 0, "min_queries": 3, "min_seconds": 0.0, "max_seconds": 5.0, "samples": 1, "batch": 2,
    }  # fmt: skip
    for ask in (agent.predict, lambda x: agent.load("offline", [X, x], settings), lambda x: agent.fit(x, [1, 2])):
        with pytest.raises(ModelError, match=r"takes|missing"):
            ask(UNFIT[unfit])
        assert np.array_equal(agent.predict(X)[0]["x"], X["x"])


def test_a_refused_batch_ends_the_stream_and_not_the_worker(worker):
    agent = worker("fail")
    with pytest.raises(ModelError):
        list(agent.predict_stream(numbered(50)))
    assert agent.stats()["peak_bytes"] > 0


@pytest.mark.parametrize("scenario", ["single_stream", "offline"])
def test_a_scenario_runs_inside_the_worker(worker, scenario):
    settings = {
        "warmup": 2, "min_queries": 20, "min_seconds": 0.0, "max_seconds": 5.0, "samples": 2, "batch": 2,
    }  # fmt: skip
    timings = worker("echo").load(scenario, list(numbered(2)), settings)
    assert len(timings["latencies_ns"]) == 20
    assert timings["samples"] == 40
    assert sum(timings["latencies_ns"]) <= timings["wall_ns"]


def test_a_scenario_never_loads_longer_than_it_may(worker):
    settings = {
        "warmup": 0, "min_queries": 10**9, "min_seconds": 0.0, "max_seconds": 0.05, "samples": 1, "batch": 1,
    }  # fmt: skip
    timings = worker("echo").load("single_stream", [X], settings)
    assert 0 < len(timings["latencies_ns"]) < 10**6


def test_what_a_framework_counts_comes_back_by_name(worker):
    agent = worker("echo")
    assert agent.count(["rows", "cells"], X) == {"rows": 2.0, "cells": 6.0}
    assert agent.count(["rows"], {}) == {"rows": 0.0}
    with pytest.raises(ModelError, match="no figure is called columns"):
        agent.count(["columns"], X)


def test_a_framework_that_counts_nothing_says_so(worker):
    with pytest.raises(ModelError, match="this framework does not count rows, cells"):
        worker("echo", mute=True).count(["rows", "cells"], X)


def test_instructions_are_counted_where_the_processor_has_a_counter_and_else_said_not_to_be(worker):
    agent = worker("echo")
    if has_counter():
        calls = agent.instructions(X)
        assert len(calls) == CALLS
        assert min(calls) > 0
    else:
        with pytest.raises(NotApplicable, match="instructions"):
            agent.instructions(X)
    assert np.array_equal(agent.predict(X)[0]["x"], X["x"])


def has_counter():
    """Whether the kernel knows a processor's counters; virtual machines seldom have any."""
    kinds = Path("/sys/bus/event_source/devices")
    named = [path.name for pattern in ("cpu*", "arm*_pmu*") for path in kinds.glob(pattern)]
    return bool(named) and int(Path("/proc/sys/kernel/perf_event_paranoid").read_text()) <= 2


def test_labels_of_text_and_of_numbers_reach_the_model(worker):
    agent = worker("echo")
    agent.fit(X, ["cat", "dog"])
    agent.fit(X, [3, 4])


def test_peak_memory_grows_with_what_the_model_takes(worker):
    agent = worker("echo")
    before = agent.stats()["peak_bytes"]
    agent.predict({"x": np.ones(20_000_000)})
    assert agent.stats()["peak_bytes"] - before > 150_000_000


def test_the_host_keeps_no_descriptor_of_a_closed_worker(worker):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        agent = worker("echo")
        agent.predict(X)
        list(agent.predict_stream([X, X]))
        agent.close()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_closing_twice_is_closing_once(worker):
    agent = worker("echo")
    agent.close()
    agent.close()


def test_by_default_a_worker_may_take_most_of_the_memory():
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0.79 < Limits().memory_bytes / physical < 0.81

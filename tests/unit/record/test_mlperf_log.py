"""Our files of a run, beside those that MLPerf's own LoadGen writes of the very same queries."""

from __future__ import annotations

import json
import re
import time

import numpy as np
import pytest

from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.record.mlperf_files import accuracy, summary, write
from pytest_mlmodelscope.record.mlperf_log import LoggedRun, detail
from pytest_mlmodelscope.worker import loadgen

pytest.importorskip("mlperf_loadgen", reason="the package mlcommons-loadgen has nothing for this machine")

#: Of LoadGen's own workings, which ours has not.
INTERNAL = re.compile(
    r"loadgen_|logger_|power_|get_sut_name|generic_message|loaded_qsl_set|generated_query_duration|error_|warning_"
)
#: Where a run ends is not the same moment to the nanosecond.
NEARLY = re.compile(r"_per_sec|_qps_|num_errors")


def events(text):
    """The log as MLPerf's checkers read it."""
    lines = [line.removeprefix(":::MLLOG") for line in text.splitlines() if line.startswith(":::MLLOG")]
    return {event["key"]: event["value"] for event in map(json.loads, lines)}


def busy(_):
    end = time.perf_counter_ns() + 50_000
    while time.perf_counter_ns() < end:
        pass


@pytest.fixture(scope="module", params=names("scenarios"))
def both(request):
    """A run that LoadGen issued and logged, and the same as we log it."""
    settings = {"warmup": 2, "min_queries": 700, "min_seconds": 0.05, "max_seconds": 30.0, "samples": 64, "batch": 1}
    settings |= {"samples_per_query": 8, "rate": 2000.0, "seed": 1, "latency_bound": 0.5}
    timings = loadgen.run(request.param, busy, settings)
    return LoggedRun(request.param, settings, timings, "PySUT", 0.5), timings["logs"]


def test_every_key_of_loadgens_log_is_in_ours(both):
    run, logs = both
    theirs = {key for key in events(logs["mlperf_log_detail.txt"]) if not INTERNAL.match(key)}
    assert len(theirs) > 60
    lacking = theirs - events(detail(run)).keys()
    # Who is valid has no reason to tell; LoadGen leaves the key out as well, and may have been valid where we are not.
    assert not lacking - {"result_invalid_reason"}


def test_the_figures_of_the_same_queries_are_the_same(both):
    run, logs = both
    theirs, ours = events(logs["mlperf_log_detail.txt"]), events(detail(run))
    compared = 0
    for key, value in theirs.items():
        if not key.startswith(("result_", "early_stopping", "effective_scenario", "requested_scenario")):
            continue
        if run.scenario == "multi_stream" and re.match(r"result_(min|max|mean|[\d.]+_percentile)_latency", key):
            continue  # of single samples, which LoadGen is told of one by one
        if key in ("result_validity", "result_invalid_reason", "result_min_duration_met"):
            continue  # by LoadGen's clock
        if NEARLY.search(key) or key == "result_samples_per_second":
            assert ours[key] == pytest.approx(value, rel=0.05), key
        else:
            assert ours[key] == value, key
        compared += 1
    assert compared > 12


def test_the_summary_says_the_same_in_the_same_places(both):
    run, logs = both
    theirs, ours = logs["mlperf_log_summary.txt"].splitlines(), summary(run).splitlines()
    labels = [line.partition(":")[0].strip() for line in theirs if ":" in line and " * " not in line]
    assert not [label for label in labels if not any(line.strip().startswith(label) for line in ours)]
    assert f"Scenario : {run.name}" in ours


def test_outputs_are_logged_as_bytes(tmp_path, both):
    run, _ = both
    outputs = {2: {"y": np.array([1.0, 2.0], dtype="float32")}, 0: {"y": np.array([-1], dtype="int8")}}
    write(tmp_path, run, outputs)
    assert json.loads((tmp_path / "mlperf_log_accuracy.json").read_text()) == [
        {"seq_id": 0, "qsl_idx": 0, "data": "FF"},
        {"seq_id": 2, "qsl_idx": 2, "data": "0000803F00000040"},
    ]
    assert json.loads(accuracy({})) == []
    assert events((tmp_path / "mlperf_log_detail.txt").read_text())["requested_test_mode"] == "PerformanceOnly"


def test_a_run_that_is_too_short_is_not_valid(both):
    run, _ = both
    short = {**run.settings, "min_seconds": 3600.0}
    told = events(detail(LoggedRun(run.scenario, short, run.timings, "x", 0.5)))
    assert (told["result_validity"], told["result_min_duration_met"]) == ("INVALID", False)
    assert told["result_invalid_reason"].strip()


def test_a_server_that_is_too_slow_is_not_valid():
    scheduled = [1_000_000 * n for n in range(1000)]
    timings = {"latencies_ns": [20_000_000] * 1000, "scheduled_ns": scheduled, "wall_ns": 10**9, "samples": 1000}
    settings = {
        "warmup": 0,
        "min_queries": 1,
        "min_seconds": 0.1,
        "max_seconds": 9,
        "samples": 1,
        "batch": 1,
        "rate": 1e3,
    }
    told = events(detail(LoggedRun("server", settings, timings, "x", 0.010)))
    assert (told["result_validity"], told["result_perf_constraints_met"]) == ("INVALID", False)
    assert told["result_overlatency_query_count"] == 1000
    assert told["early_stopping_met"] is False

"""MLPerf's own LoadGen in the place of a scenario: the same model and settings, its clock and its arrivals.

It is the package ``mlcommons-loadgen``, where the environment has it. LoadGen tells the latencies of single queries
only in its trace, so that is written, and read, in a folder that is gone afterwards.
"""

import importlib
import json
import os
import shutil
import tempfile
from array import array
from typing import Any, Iterator

from pytest_mlmodelscope.scenarios import _loop

LOGS = ("mlperf_log_summary.txt", "mlperf_log_detail.txt", "mlperf_log_accuracy.json")
#: LoadGen prepares queries for a time from how long it expects them to take: better too many than too few.
_TOO_FEW = 0.5


def run(scenario: str, query: "Any", settings: "Any") -> "dict[str, Any]":
    """Timings as a scenario gives them, and LoadGen's files by their names in ``logs``.

    Raises ValueError for a scenario that LoadGen has not.
    """
    name = getattr(importlib.import_module("pytest_mlmodelscope.scenarios." + scenario), "MLPERF", None)
    if name is None:
        raise ValueError("LoadGen has no scenario %s" % scenario)
    expected_ns = _warmed_up(query, settings)
    folder = tempfile.mkdtemp(prefix="loadgen-")
    try:
        _start(_test_settings(name, settings, expected_ns), query, settings["samples"], folder)
        timings = _timings(os.path.join(folder, "mlperf_log_trace.json"), settings)
        timings["logs"] = {name: _text(os.path.join(folder, name)) for name in LOGS}
    finally:
        shutil.rmtree(folder)
    return timings


def _warmed_up(query: "Any", settings: "Any") -> int:
    """What a call takes, in nanoseconds, after the warm-up."""
    _loop.warm_up(query, settings)
    start = _loop.clock()
    query(0)
    return max(1, _loop.clock() - start)


def _test_settings(name: str, settings: "Any", expected_ns: int) -> "Any":
    import mlperf_loadgen as lg

    calls = max(1, settings.get("samples_per_query", 1) // settings["batch"]) if name == "MultiStream" else 1
    expected_ns = max(1, int(expected_ns * calls * _TOO_FEW))
    found = lg.TestSettings()
    found.scenario = getattr(lg.TestScenario, name)
    found.mode = lg.TestMode.PerformanceOnly
    found.min_query_count = settings["min_queries"]
    found.min_duration_ms = int(settings["min_seconds"] * 1000)
    found.max_duration_ms = int(settings["max_seconds"] * 1000)
    found.single_stream_expected_latency_ns = found.multi_stream_expected_latency_ns = expected_ns
    found.multi_stream_samples_per_query = calls
    found.offline_expected_qps = 1e9 / expected_ns
    found.schedule_rng_seed = found.sample_index_rng_seed = found.qsl_rng_seed = settings.get("seed", 1)
    if name == "Server":
        found.server_target_qps = settings["rate"]
        found.server_target_latency_ns = int((settings.get("latency_bound") or settings["max_seconds"]) * 1e9)
    return found


def _start(test: "Any", query: "Any", samples: int, folder: str) -> None:
    import mlperf_loadgen as lg

    def issue(asked: "Any") -> None:
        for sample in asked:
            query(sample.index)
            lg.QuerySamplesComplete([lg.QuerySampleResponse(sample.id, 0, 0)])

    log = lg.LogSettings()
    log.enable_trace = True
    output = lg.LogOutputSettings()
    output.outdir = folder
    output.copy_summary_to_stdout = False
    log.log_output = output
    system = lg.ConstructSUT(issue, lambda: None)
    library = lg.ConstructQSL(samples, samples, lambda loaded: None, lambda unloaded: None)
    try:
        lg.StartTestWithLogSettings(system, library, test, log, "")
    finally:
        lg.DestroyQSL(library)
        lg.DestroySUT(system)


def _timings(trace: str, settings: "Any") -> "dict[str, Any]":
    samples = list(_samples_of(trace))
    queries = {}  # type: dict[int, list[int]]
    for at, about in samples:
        done = queries.setdefault(about["query_seq"], [at, about["issue_start_ns"], 0])
        done[2] = max(done[2], about["complete_ns"])
    found = [queries[number] for number in sorted(queries)]
    first = found[0][0] if found else 0
    return {
        "latencies_ns": array("q", [latency for _, _, latency in found] if len(found) > 1 else _gaps(samples)),
        "wall_ns": max([at + latency - first for at, _, latency in found] or [0]),
        "samples": len(samples) * settings["batch"],
        "scheduled_ns": array("q", [at - first for at, _, _ in found]),
        "issued_ns": array("q", [at - first + delay for at, delay, _ in found]),
    }


def _gaps(samples: "list[tuple[int, dict[str, int]]]") -> "list[int]":
    """From one sample to the next: offline is a single query, whose latency says nothing of a sample."""
    done = sorted(about["complete_ns"] for _, about in samples)
    return [after - before for before, after in zip([0] + done, done)]


def _samples_of(trace: str) -> "Iterator[tuple[int, dict[str, int]]]":
    """When each sample was to be asked, in nanoseconds, and what LoadGen says of it."""
    with open(trace) as file:
        for line in file:
            if '"ph":"b"' in line and '"name":"Sample"' in line:
                event = json.loads(line.rstrip().rstrip(","))
                yield round(event["ts"] * 1000), event["args"]


def _text(path: str) -> str:
    with open(path) as file:
        return file.read()

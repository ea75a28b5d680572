"""The files that LoadGen leaves of a run, for MLPerf's own checkers: ``mlperf_log_summary.txt``,
``mlperf_log_detail.txt`` and ``mlperf_log_accuracy.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.record.mlperf_log import (
    SHOWN,
    LoggedRun,
    detail,
    effective,
    outcome,
    percentile_of,
    rate,
    reasons,
    results,
)

_LINE: Final = "=" * 48


def write(folder: Path, run: LoggedRun, answers: Mapping[int, Mapping[str, Any]] | None = None) -> None:
    """Write the three files of a run into a folder; ``answers`` are the outputs to be logged, by query."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mlperf_log_summary.txt").write_text(summary(run), encoding="utf-8")
    (folder / "mlperf_log_detail.txt").write_text(detail(run), encoding="utf-8")
    (folder / "mlperf_log_accuracy.json").write_text(accuracy(answers or {}), encoding="utf-8")


def accuracy(answers: Mapping[int, Mapping[str, Any]]) -> str:
    """The outputs of each query as hexadecimal bytes, one after another in the order of the outputs."""
    rows = [
        json.dumps({"seq_id": number, "qsl_idx": number, "data": _bytes(outputs).hex().upper()})
        for number, outputs in sorted(answers.items())
    ]
    return "[\n" + ",\n".join(rows) + ("\n]\n" if rows else "]\n")


def _bytes(outputs: Mapping[str, Any]) -> bytes:
    return b"".join(
        value.tobytes() if hasattr(value, "tobytes") else json.dumps(value).encode() for value in outputs.values()
    )


def summary(run: LoggedRun) -> str:
    """What a reader wants to know, in LoadGen's words."""
    if run.mode == "AccuracyOnly":
        return "\nNo warnings encountered during test.\n\nNo errors encountered during test.\n"
    return "\n".join([*_head(run), *_additional(run), *_parameters(run), *_end()]) + "\n"


def _head(run: LoggedRun) -> Iterator[str]:
    found = outcome(run)
    yield from (_LINE, "MLPerf Results Summary", _LINE)
    yield f"SUT name : {run.system}"
    yield f"Scenario : {run.name}"
    yield f"Mode     : {run.mode}"
    yield _headline(run)
    yield f"Result is : {'VALID' if found.valid else 'INVALID'}"
    if run.scenario == "server":
        yield f"  Performance constraints satisfied : {_yes(found.fast)}"
    yield f"  Min duration satisfied : {_yes(found.long)}"
    yield f"  Min queries satisfied : {_yes(found.many)}"
    yield f"  Early stopping satisfied: {_yes(found.stopped)}"
    if not found.valid:
        yield "Recommendations:"
        yield from (f" * {reason}" for reason in reasons(run, found))
    if run.scenario != "offline":
        yield "Early Stopping Result:"
        yield found.told


def _headline(run: LoggedRun) -> str:
    if run.scenario == "offline":
        return f"Samples per second: {rate(run):.6g}"
    if run.scenario == "server":
        return f"Completed samples per second    : {dict(results(run))['result_completed_samples_per_sec']:.2f}"
    return f"{run.percentile * 100:.1f}th percentile latency (ns) : {percentile_of(run.latencies, run.percentile)}"


def _yes(holds: bool) -> str:
    return "Yes" if holds else "NO"


def _additional(run: LoggedRun) -> Iterator[str]:
    yield from ("", _LINE, "Additional Stats", _LINE)
    figures = dict(results(run))
    if run.scenario == "single_stream":
        yield f"QPS w/ loadgen overhead         : {figures['result_qps_with_loadgen_overhead']:.2f}"
        yield f"QPS w/o loadgen overhead        : {figures['result_qps_without_loadgen_overhead']:.2f}"
        yield ""
    elif run.scenario == "server":
        yield f"Scheduled samples per second : {figures['result_scheduled_samples_per_sec']:.2f}"
    elif run.scenario == "multi_stream":
        yield "Per-query latency:  "
    yield f"Min latency (ns)                : {figures['result_min_latency_ns']}"
    yield f"Max latency (ns)                : {figures['result_max_latency_ns']}"
    yield f"Mean latency (ns)               : {figures['result_mean_latency_ns']}"
    for percentile in SHOWN:
        yield f"{percentile * 100:.2f} percentile latency (ns)   : {percentile_of(run.latencies, percentile)}"


def _parameters(run: LoggedRun) -> Iterator[str]:
    yield from ("", _LINE, "Test Parameters Used", _LINE)
    asked = dict(effective(run))
    for key in ("samples_per_query", "target_qps"):
        value = asked[key]
        yield f"{key} : {value:.6g}" if isinstance(value, float) else f"{key} : {value}"
    yield f"target_latency (ns): {run.bound_ns}"
    yield f"max_async_queries : {asked['max_async_queries']}"
    for key in ("min_duration", "max_duration"):
        yield f"{key} (ms): {asked[key + '_ms']}"
    for key in (
        "min_query_count",
        "max_query_count",
        "qsl_rng_seed",
        "sample_index_rng_seed",
        "schedule_rng_seed",
        "accuracy_log_rng_seed",
        "accuracy_log_probability",
        "accuracy_log_sampling_target",
        "print_timestamps",
        "performance_issue_unique",
        "performance_issue_same",
        "performance_issue_same_index",
        "performance_sample_count",
        "accuracy_sample_count",
    ):
        yield f"{key} : {int(asked[key])}"


def _end() -> Iterator[str]:
    yield from ("", "No warnings encountered during test.", "", "No errors encountered during test.")

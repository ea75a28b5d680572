"""A run under a scenario in the words of LoadGen's detailed log (``mlperf_log_detail.txt``).

What each figure is, and when a run is valid, follows LoadGen 6.0 (``results.cc``): a percentile is the latency at the
place ``n * p`` of the sorted ones, and early stopping discards so many of the slowest as it may.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.scenario import Settings, Timings
from pytest_mlmodelscope.verdict.early_stopping import least_queries, most_over

#: The percentile of each scenario.
PERCENTILES: Final = {"single_stream": 0.9}
_USUAL: Final = 0.99
SHOWN: Final = (0.50, 0.90, 0.95, 0.97, 0.99, 0.999)
Mode = Literal["PerformanceOnly", "AccuracyOnly"]
_TOO_SHORT: Final = {
    "single_stream": "Decrease the expected latency so the loadgen pre-generates more queries.",
    "multi_stream": "Decrease the expected latency so the loadgen pre-generates more queries.",
    "server": "Increase the target QPS so the loadgen pre-generates more queries.",
    "offline": "Increase expected QPS so the loadgen pre-generates a larger (coalesced) query.",
}
_TOO_SLOW: Final = "Reduce target QPS to improve latency."
_ENDED_EARLY: Final = "The test exited early, before enough queries were issued."


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """One run: what was asked for, and what came of it. ``latency_bound_s`` is that of the server, else 0."""

    scenario: str
    settings: Settings
    timings: Timings
    system: str
    latency_bound_s: float = 0.0
    mode: Mode = "PerformanceOnly"

    @property
    def name(self) -> str:
        """What LoadGen calls the scenario."""
        return str(member("scenarios", self.scenario).MLPERF)

    @property
    def percentile(self) -> float:
        """The target, 0 to 1."""
        return PERCENTILES.get(self.scenario, _USUAL)

    @property
    def of_query(self) -> int:
        """Samples in a query."""
        if self.scenario == "offline":
            return self.timings["samples"]
        return self.settings.get("samples_per_query", 1) if self.scenario == "multi_stream" else self.settings["batch"]

    @property
    def queries(self) -> int:
        """How many were issued: offline is one."""
        return 1 if self.scenario == "offline" else len(self.timings["latencies_ns"])

    @property
    def latencies(self) -> list[int]:
        """Sorted, of each query; offline of each part that was answered, from the start."""
        found = list(self.timings["latencies_ns"])
        if self.scenario == "offline":
            total = 0
            found = [total := total + latency for latency in found]
        return sorted(found)

    @property
    def bound_ns(self) -> int:
        """The server's latency bound."""
        return round(self.latency_bound_s * 1e9)

    @property
    def over(self) -> int:
        """How many queries took longer."""
        return sum(latency > self.bound_ns for latency in self.latencies)

    @property
    def last_issued_s(self) -> float:
        """When the last query came, or was asked, in seconds from the start."""
        scheduled = self.timings.get("scheduled_ns", ())
        if self.scenario == "server" and scheduled:
            return scheduled[-1] / 1e9
        latencies = self.timings["latencies_ns"]
        return (self.timings["wall_ns"] - (latencies[-1] if latencies else 0)) / 1e9


# -- what a run shows -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a run is valid, and why not. ``told`` is what early stopping says, ``estimates`` by percentile."""

    fast: bool
    long: bool
    many: bool
    stopped: bool
    told: str
    estimates: Mapping[float, int]

    @property
    def valid(self) -> bool:
        """By all of them."""
        return self.fast and self.long and self.many and self.stopped


def outcome(run: LoggedRun) -> Outcome:
    """What LoadGen would say of it."""
    latencies, settings = run.latencies, run.settings
    long = run.timings["wall_ns"] / 1e9 if run.scenario == "offline" else run.last_issued_s
    samples = run.timings["samples"]
    many = samples >= settings["min_queries"] if run.scenario == "offline" else run.queries >= settings["min_queries"]
    fast = run.scenario != "server" or percentile_of(latencies, run.percentile) <= run.bound_ns
    stopped, told, estimates = _early_stopping(run, latencies)
    return Outcome(fast, long >= settings["min_seconds"], many, stopped, told, estimates)


def percentile_of(latencies: Sequence[int], percentile: float) -> int:
    """The latency at a percentile (0 to 1) of sorted ones, where LoadGen takes it."""
    return latencies[min(int(len(latencies) * percentile), len(latencies) - 1)] if latencies else 0


def _early_stopping(run: LoggedRun, latencies: Sequence[int]) -> tuple[bool, str, Mapping[float, int]]:
    if run.scenario == "offline":
        return True, "", {}
    if run.scenario == "server":
        return _server_stopping(run)
    own = _estimated(latencies, run.percentile)
    least = least_queries(1, run.percentile * 100)
    if own is None:
        few = f" * Only processed {len(latencies)} queries.\n"
        return False, f"{few} * Need to process at least {least} queries for early stopping.", {}
    told = (
        f" * Processed at least {least} queries ({len(latencies)}).\n * Would discard {own[1] - 1} highest latency "
        f"queries.\n * Early stopping {run.percentile * 100:.1f}th percentile estimate: {own[0]}"
    )
    estimates = {run.percentile: own[0]}
    if run.scenario == "single_stream":
        tail = _estimated(latencies, _USUAL)
        if tail is None:
            told += (
                f"\n * Not enough queries processed for {_USUAL * 100:.1f}th percentile\n early stopping estimate "
                f"(would need to process at\n least {least_queries(1, _USUAL * 100)} total queries)."
            )
        else:
            told += f"\n * Early stopping {_USUAL * 100:.1f}th percentile estimate: {tail[0]}"
            estimates[_USUAL] = tail[0]
    return True, told, estimates


def _server_stopping(run: LoggedRun) -> tuple[bool, str, Mapping[float, int]]:
    missing = least_queries(run.over, run.percentile * 100) - run.queries
    if missing <= 0:
        return True, " * Run successful.", {}
    told = (
        f" * Run unsuccessful.\n * Processed {run.queries} queries.\n * Would need to run at least {missing} more "
        "queries,\n with the run being successful if every additional\n query were under latency."
    )
    return False, told, {}


def _estimated(latencies: Sequence[int], percentile: float) -> tuple[int, int] | None:
    """The conservative percentile, and how many queries may be over it; None where there are too few."""
    over = most_over(len(latencies), percentile * 100)
    return None if not over else (latencies[len(latencies) - over], over)


# -- the detailed log -----------------------------------------------------------------------------------


def detail(run: LoggedRun) -> str:
    """One event a line, as MLPerf's logging has them."""
    return "".join(f":::MLLOG {json.dumps(_event(key, value, run))}\n" for key, value in _events(run))


def _event(key: str, value: Any, run: LoggedRun) -> dict[str, Any]:
    about = {"is_error": False, "is_warning": False, "file": "mlperf_log.py", "line_no": 0}
    return {
        "key": key,
        "value": float(f"{value:.6g}") if isinstance(value, float) else value,
        "time_ms": run.timings["wall_ns"] / 1e6,
        "namespace": "mlperf::logging",
        "event_type": "POINT_IN_TIME",
        "metadata": {**about, "pid": os.getpid(), "tid": os.getpid()},
    }


def _events(run: LoggedRun) -> Iterator[tuple[str, Any]]:
    yield "loadgen_version", "pytest-mlmodelscope, in the format of LoadGen 6.0"
    yield "test_datetime", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    yield "sut_name", run.system
    yield "qsl_name", run.system
    yield "qsl_reported_total_count", run.settings["samples"]
    yield "qsl_reported_performance_count", run.settings["samples"]
    yield from (("requested_" + key, value) for key, value in _requested(run))
    yield from (("effective_" + key, value) for key, value in effective(run))
    yield "generated_query_count", run.queries
    yield "generated_samples_per_query", run.of_query
    if run.mode == "PerformanceOnly":
        yield from results(run)
    yield "num_errors", 0


def _shared(run: LoggedRun) -> Iterator[tuple[str, Any]]:
    yield "scenario", run.name
    yield "test_mode", run.mode
    yield "min_duration_ms", round(run.settings["min_seconds"] * 1000)
    yield "max_duration_ms", 0
    yield "max_query_count", 0
    for key in ("qsl_rng_seed", "sample_index_rng_seed", "schedule_rng_seed"):
        yield key, run.settings.get("seed", 0)
    for key in ("accuracy_log_rng_seed", "accuracy_log_probability", "accuracy_log_sampling_target"):
        yield key, 0
    yield "print_timestamps", False
    yield "performance_issue_unique", False
    yield "performance_issue_same", False
    yield "performance_issue_same_index", 0
    yield "sample_concatenate_permutation", False


def _requested(run: LoggedRun) -> Iterator[tuple[str, Any]]:
    yield from _shared(run)
    yield "min_query_count", run.settings["min_queries"]
    yield "performance_sample_count_override", 0
    yield "accuracy_sample_count_override", 0
    if run.scenario == "offline":
        yield "offline_expected_qps", rate(run)
    elif run.scenario == "server":
        yield "server_target_qps", run.settings.get("rate")
        yield "server_target_latency_ns", run.bound_ns
        yield "server_target_latency_percentile", run.percentile
        yield "server_coalesce_queries", False
        yield "server_max_async_queries", 0
        yield "server_num_issue_query_threads", 0
        yield "server_find_peak_qps_decimals_of_precision", 1
        yield "server_find_peak_qps_boundary_step_size", 1
    else:
        yield f"{run.scenario}_expected_latency_ns", _mean(run.latencies)
        yield f"{run.scenario}_target_latency_percentile", run.percentile
        if run.scenario == "multi_stream":
            yield "multi_stream_samples_per_query", run.of_query


def effective(run: LoggedRun) -> Iterator[tuple[str, Any]]:
    """What the run was asked for, by LoadGen's keys."""
    offline, server = run.scenario == "offline", run.scenario == "server"
    yield from _shared(run)
    yield "samples_per_query", run.of_query
    yield "target_qps", run.settings.get("rate") if server else rate(run)
    yield "target_latency_ns", run.bound_ns
    yield "target_latency_percentile", run.percentile
    yield "max_async_queries", int(not server)
    yield "target_duration_ms", 0 if offline else round(run.settings["min_seconds"] * 1000)
    yield "min_query_count", 1 if offline else run.settings["min_queries"]
    yield "min_sample_count", run.settings["min_queries"] * (1 if offline else run.of_query)
    yield "performance_sample_count", run.settings["samples"]
    yield "accuracy_sample_count", run.settings["samples"]


def rate(run: LoggedRun) -> float:
    """Samples a second."""
    return run.timings["samples"] / max(1e-9, run.timings["wall_ns"] / 1e9)


def _mean(latencies: Sequence[int]) -> int:
    return sum(latencies) // max(1, len(latencies))


def results(run: LoggedRun) -> Iterator[tuple[str, Any]]:
    """The figures of a run by LoadGen's keys."""
    found, latencies = outcome(run), run.latencies
    yield "result_validity", "VALID" if found.valid else "INVALID"
    if run.scenario == "server":
        yield "result_perf_constraints_met", found.fast
    yield "result_min_duration_met", found.long
    yield "result_min_queries_met", found.many
    yield "early_stopping_met", found.stopped
    if not found.valid:
        yield "result_invalid_reason", "".join(f"{reason} " for reason in reasons(run, found))
    yield "early_stopping_result", found.told.replace("\n", " ")
    yield "result_query_count", run.queries
    if run.scenario == "server":
        yield "result_overlatency_query_count", run.over
    yield from _of_scenario(run, found)
    yield from _spread(latencies, "latency_ns", "percentile_latency_ns")


def reasons(run: LoggedRun, found: Outcome) -> Iterator[str]:
    """Why a run is not valid, in LoadGen's words."""
    if not found.fast:
        yield _TOO_SLOW
    if not found.long:
        yield _TOO_SHORT[run.scenario]
    if not found.many:
        yield _ENDED_EARLY


def _of_scenario(run: LoggedRun, found: Outcome) -> Iterator[tuple[str, Any]]:
    if run.scenario == "offline":
        yield "result_samples_per_second", rate(run)
    elif run.scenario == "server":
        yield "result_scheduled_samples_per_sec", (run.queries - 1) / max(1e-9, run.last_issued_s)
        yield "result_completed_samples_per_sec", (run.queries - 1) / max(1e-9, run.timings["wall_ns"] / 1e9)
    elif run.scenario == "multi_stream":
        yield from _spread(run.latencies, "query_latency_ns", "percentile_per_query_latency_ns")
        yield "early_stopping_latency_ms", found.estimates.get(_USUAL, 0)
    else:
        yield "result_qps_with_loadgen_overhead", (run.queries - 1) / max(1e-9, run.last_issued_s)
        yield "result_qps_without_loadgen_overhead", 1e9 / max(1, _mean(run.latencies))
        yield "early_stopping_latency_ss", found.estimates.get(run.percentile, 0)
        yield "early_stopping_latency_ms", found.estimates.get(_USUAL, 0)


def _spread(latencies: Sequence[int], name: str, of_percentile: str) -> Iterator[tuple[str, Any]]:
    yield f"result_min_{name}", latencies[0] if latencies else 0
    yield f"result_max_{name}", latencies[-1] if latencies else 0
    yield f"result_mean_{name}", _mean(latencies)
    for percentile in SHOWN:
        yield f"result_{percentile * 100:.2f}_{of_percentile}", percentile_of(latencies, percentile)

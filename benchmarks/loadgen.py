"""Our scenarios beside MLPerf's LoadGen, in one run, with a model that does nothing.

Run it with ``python benchmarks/loadgen.py`` where the package has its extra ``loadgen``. Both sides take turns, A B
B A, so that a busy machine disturbs both, and every figure is the median of all rounds. It prints

- what a query costs besides the model, one after another and all at once: ours through the worker's own code, LoadGen's
  by what it says itself (``result_qps_with_loadgen_overhead``, ``result_samples_per_second``) with a callback that does
  no more than report each sample; and whether ours is a fifth or less;
- how far the gaps between queries that arrive at 1,000 and at 5,000 a second lie from exponential ones (the distance
  of Kolmogorov and Smirnov, of the times at which the model was asked, which both sides note in the same way); whether
  ours is nearer; and the distance that the same number of truly exponential gaps has by chance.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlperf_loadgen as lg
import numpy as np
from scipy.stats import kstest

from pytest_mlmodelscope.worker import loading

QUERIES = 100_000
ROUNDS = 6
RATES = (1000.0, 5000.0)
SECONDS = 3.0
GOAL = 0.2
SETTINGS: dict[str, Any] = {"warmup": 10, "min_queries": QUERIES, "min_seconds": 0.0, "max_seconds": 60.0}
SETTINGS |= {"samples": 64, "batch": 1, "samples_per_query": 1, "seed": 1}


def ours(scenario: str, predict: Callable[[Any], Any], **changes: Any) -> dict[str, Any]:
    """A run of one of our scenarios, as a worker makes it."""
    header, tensors = loading.run(predict, [{}] * 64, scenario, {**SETTINGS, **changes})
    return {**header, **dict(tensors)}


def theirs(scenario: str, asked: Callable[[Any], None], **changes: Any) -> dict[str, Any]:
    """A run of LoadGen's: what its detailed log says, by key."""
    test = lg.TestSettings()
    test.scenario, test.mode = getattr(lg.TestScenario, scenario), lg.TestMode.PerformanceOnly
    settings = {
        "min_query_count": SETTINGS["min_queries"],
        "min_duration_ms": 0,
        "single_stream_expected_latency_ns": 1000,
    }
    for name, value in {**settings, **changes}.items():
        setattr(test, name, value)
    log, output = lg.LogSettings(), lg.LogOutputSettings()
    log.enable_trace = False
    output.copy_summary_to_stdout = False
    with tempfile.TemporaryDirectory() as folder:
        output.outdir = folder
        log.log_output = output
        system = lg.ConstructSUT(asked, lambda: None)
        library = lg.ConstructQSL(64, 64, lambda _: None, lambda _: None)
        lg.StartTestWithLogSettings(system, library, test, log, "")
        lg.DestroyQSL(library)
        lg.DestroySUT(system)
        lines = (Path(folder) / "mlperf_log_detail.txt").read_text().splitlines()
    events = [json.loads(line.removeprefix(":::MLLOG")) for line in lines if line.startswith(":::MLLOG")]
    return {event["key"]: event["value"] for event in events}


def answer(samples: Any) -> None:
    """What a system under test must do at least."""
    lg.QuerySamplesComplete([lg.QuerySampleResponse(sample.id, 0, 0) for sample in samples])


def cost_of_ours(scenario: str) -> float:
    """Nanoseconds a query."""
    timings = ours(scenario, lambda _: None)
    return timings["wall_ns"] / len(timings["latencies_ns"])


def cost_of_theirs(scenario: str) -> float:
    """Nanoseconds a query, or a sample where there is one query alone."""
    if scenario == "Offline":
        return 1e9 / theirs(scenario, answer, offline_expected_qps=1.0)["result_samples_per_second"]
    return 1e9 / theirs(scenario, answer)["result_qps_with_loadgen_overhead"]


def arrivals_of_ours(rate: float, seed: int) -> list[int]:
    """When the model was asked."""
    times: list[int] = []
    note, clock = times.append, time.perf_counter_ns
    ours("server", lambda _: note(clock()), rate=rate, seed=seed, min_queries=1, min_seconds=SECONDS, warmup=0)
    return times


def arrivals_of_theirs(rate: float, seed: int) -> list[int]:
    """When the model was asked."""
    times: list[int] = []
    note, clock = times.append, time.perf_counter_ns

    def asked(samples: Any) -> None:
        note(clock())
        answer(samples)

    shape = {"min_query_count": 1, "min_duration_ms": int(SECONDS * 1000), "schedule_rng_seed": seed}
    theirs("Server", asked, server_target_qps=rate, server_target_latency_ns=10**9, **shape)
    return times


def distance(times: list[int], rate: float) -> float:
    """Of the gaps from exponential ones of this rate."""
    return float(kstest(np.diff(times) / 1e9, "expon", args=(0, 1 / rate)).statistic)


def in_turns(one: Callable[[int], float], other: Callable[[int], float]) -> tuple[float, float]:
    """The medians of both, A B B A."""
    found: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS):
        for side in (0, 1) if number % 2 else (1, 0):
            found[side].append((one, other)[side](number + 1))
    return statistics.median(found[0]), statistics.median(found[1])


def main() -> int:
    """Print everything; 1 where a goal is missed."""
    missed = 0
    for name, scenario in (("single_stream", "SingleStream"), ("offline", "Offline")):
        mine, other = in_turns(lambda _, name=name: cost_of_ours(name), lambda _, s=scenario: cost_of_theirs(s))
        missed += mine > GOAL * other
        print(f"{name}: {mine:,.0f} ns a query, LoadGen {other:,.0f} ns: {mine / other:.2f} of it (goal {GOAL:g})")
    for rate in RATES:
        mine, other = in_turns(
            lambda seed, rate=rate: distance(arrivals_of_ours(rate, seed), rate),
            lambda seed, rate=rate: distance(arrivals_of_theirs(rate, seed), rate),
        )
        count, draw = int(rate * SECONDS), np.random.default_rng(1)
        chance = statistics.median(
            kstest(draw.exponential(1 / rate, count), "expon", args=(0, 1 / rate)).statistic for _ in range(99)
        )
        missed += mine >= other
        print(f"server at {rate:,.0f} q/s: {mine:.4f} from exponential, LoadGen {other:.4f} (by chance {chance:.4f})")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())

"""A scenario without a claim: what a model does under a load, for several batches and numbers of threads."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_mlmodelscope.claim.expand import Selection
from pytest_mlmodelscope.core.claim import Conditions, DataUse
from pytest_mlmodelscope.core.result import Case
from pytest_mlmodelscope.engine import unclaimed
from pytest_mlmodelscope.engine.bench import Bench
from pytest_mlmodelscope.engine.loading import arrive, load_settings
from pytest_mlmodelscope.engine.sut import Sut
from pytest_mlmodelscope.engine.timing import Queries, Run, process_run, queries_of
from pytest_mlmodelscope.manifest.load import Catalogue
from pytest_mlmodelscope.record.mlperf_files import write
from pytest_mlmodelscope.record.mlperf_log import LoggedRun
from pytest_mlmodelscope.verdict import early_stopping, intervals

if TYPE_CHECKING:
    from pytest_mlmodelscope.agent.watch import Watch

#: Percentiles of latencies that a row has.
PERCENTILES: Final = (50.0, 90.0, 99.0)


@dataclass(frozen=True, slots=True)
class Point:
    """One batch and one number of threads: its case, its prepared queries, and its process runs."""

    sut: Sut
    queries: Queries
    runs: list[Run] = field(default_factory=list)

    @property
    def conditions(self) -> Conditions:
        """Under what it was run."""
        return self.sut.case.claim.conditions


def case_of(catalogue: Catalogue, model: str, dataset: DataUse, conditions: Conditions, chosen: Selection) -> Case:
    """The case of a load that is about nothing that anybody claimed: ``unclaimed.case_of`` with its metric."""
    metric = "latency" if conditions.latency_bound is None else "server_rate"
    return unclaimed.case_of(catalogue, model, metric, chosen, dataset, conditions, name=conditions.scenario)


def sweep(bench: Bench, case: Case, batches: Iterable[int | None], threads: Iterable[int | None]) -> list[Point]:
    """Run the scenario of a case for every batch with every number of threads, each in as many fresh processes as it
    says; None leaves it to the scenario, or to the framework.

    The points take turns, there and back, so that a machine that slows down favours none of them.

    Raises:
        NotApplicable, EnvironmentUnavailable, OfflineError: it cannot run here.
        MlmsError: anything else that is wrong with it.
    """
    from pytest_mlmodelscope.agent.turns import turn
    from pytest_mlmodelscope.agent.watch import watch

    chosen = list(threads)
    wanted = [case.under(batch=batch, threads=count) for batch in batches for count in chosen]
    suts = [bench.set_up(one)[0] for one in wanted]
    machine = suts[0].machine
    progress, care = bench.settings.progress, bench.settings.care
    with turn(machine, case.id, progress), watch(case.target, machine, care) as seen:
        points = [Point(sut, queries_of(bench, sut)) for sut in suts]
        for number in range(case.claim.conditions.runs):
            _round(bench, points[:: -1 if number % 2 else 1], seen, number)
    bench.close()
    return points


def _round(bench: Bench, points: Sequence[Point], seen: Watch, number: int) -> None:
    for point in points:
        point.runs.append(process_run(bench, point.sut, point.queries, seen, number))


# -- what is told of a point ----------------------------------------------------------------------------


def row(point: Point) -> dict[str, Any]:
    """Latencies (s) by percentile and throughput (samples a second), each with its interval over process runs; what
    early stopping makes of the percentiles; the rate of queries that arrived by themselves.
    """
    conditions, runs = point.conditions, point.runs
    rates = [run.evidence.rate for run in runs if run.evidence.rate is not None]
    return {
        "scenario": conditions.scenario,
        "batch": point.queries.batch,
        "threads": conditions.threads,
        "threads_used": runs[-1].software.get("threads"),
        "runs": len(runs),
        "queries": sum(len(run.evidence.latencies_s) for run in runs),
        "latency_s": {f"{percentile:g}": _latency(runs, percentile) for percentile in PERCENTILES},
        "throughput": _figure([run.evidence.samples / run.evidence.wall_s for run in runs]),
        "rate": _figure(rates) if rates else None,
        "software": {name: runs[-1].software.get(name) for name in ("framework", "version", "device", "precision")},
    }


def _latency(runs: Sequence[Run], percentile: float) -> dict[str, Any]:
    import numpy as np

    latencies = [run.evidence.latencies_s for run in runs]
    found = _figure([float(np.percentile(one, percentile, method="inverted_cdf")) for one in latencies])
    shown = [early_stopping.estimate(one.tolist(), percentile) for one in latencies]
    # What every run shows at MLPerf's confidence; None where one of them has too few queries.
    return {**found, "early_stopping": None if None in shown else max(one for one in shown if one is not None)}


def _figure(values: Sequence[float]) -> dict[str, Any]:
    interval = intervals.process_runs(values)
    known = math.isfinite(interval.high)
    return {
        "value": intervals.geometric_mean(values),
        "low": interval.low if known else None,
        "high": interval.high if known else None,
    }


# -- MLPerf's files -------------------------------------------------------------------------------------


def write_logs(bench: Bench, points: Sequence[Point], folder: Path) -> list[Path]:
    """The files of every process run as MLPerf's checkers want them: ``performance/run_1`` and so on, and
    ``accuracy``, for which each prepared query is asked once; with several points, below a folder for each.

    What an engine wrote itself stays as it wrote it.
    """
    made = []
    for point in points:
        conditions = point.conditions
        place = folder / f"batch-{point.queries.batch}-threads-{conditions.threads}" if len(points) > 1 else folder
        for number, run in enumerate(point.runs, 1):
            made.append(_write_run(place / "performance" / f"run_{number}", point, run, number - 1))
        made.append(_write_accuracy(bench, place / "accuracy", point))
    bench.close()
    return made


def _logged(point: Point, run: Run, number: int) -> LoggedRun:
    assert run.loaded is not None  # process_run gives it
    conditions = point.conditions
    settings = load_settings(conditions, len(point.queries.samples), point.queries.batch, number)
    bound = conditions.latency_bound or settings["max_seconds"] if arrive(conditions.scenario) else 0.0
    rate: Any = {"rate": run.loaded.rate}
    return LoggedRun(conditions.scenario, {**settings, **rate}, run.loaded.timings, _system(run.software), bound)


def _system(software: Mapping[str, Any]) -> str:
    return f"{software.get('framework')} {software.get('version')}"


def _write_run(place: Path, point: Point, run: Run, number: int) -> Path:
    logged = _logged(point, run, number)
    logs = logged.timings.get("logs")
    write(place, logged)
    for name, text in (logs or {}).items():
        (place / name).write_text(text, encoding="utf-8")
    return place


def _write_accuracy(bench: Bench, place: Path, point: Point) -> Path:
    agent = bench.worker(point.sut).agent
    answers = {number: agent.predict(sample)[0] for number, sample in enumerate(point.queries.samples)}
    write(place, dataclasses.replace(_logged(point, point.runs[-1], 0), mode="AccuracyOnly"), answers)
    return place

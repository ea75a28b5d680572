"""A timed case: fresh worker processes under a load, one after another, each alone on its device."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.result import Result
from pytest_mlmodelscope.engine.bench import Bench, judged
from pytest_mlmodelscope.engine.loading import Loaded, batch_of, load
from pytest_mlmodelscope.engine.sut import Sut
from pytest_mlmodelscope.interfaces.metric import TimedEvidence
from pytest_mlmodelscope.manifest.data import sampled
from pytest_mlmodelscope.verdict import disturbance, measure
from pytest_mlmodelscope.verdict.dependence import dependence
from pytest_mlmodelscope.verdict.percentile import held_back, shown
from pytest_mlmodelscope.verdict.steady import WarmUp, warm_up

if TYPE_CHECKING:
    from pytest_mlmodelscope.agent.watch import Run as Seen
    from pytest_mlmodelscope.agent.watch import Watch

#: Prepared queries that a timed run cycles through: enough that no cache of results pays.
TIMED_QUERIES: Final = 64


@dataclass(frozen=True, slots=True)
class Queries:
    """Prepared queries of a case with so many items each, and the seconds that pre- and post-processing add to each."""

    samples: list[Any]
    overhead_s: list[float]
    batch: int


@dataclass(frozen=True, slots=True)
class Run:
    """One process run: what was timed in it after its ``warm_up``, what the worker said of itself, and the load as it
    told it.
    """

    evidence: TimedEvidence
    software: Mapping[str, Any]
    warm_up: WarmUp
    loaded: Loaded | None = None


def time_case(bench: Bench, sut: Sut) -> Result:
    """Time a case in as many process runs as its claim wants, and judge it."""
    from pytest_mlmodelscope.agent.turns import turn
    from pytest_mlmodelscope.agent.watch import watch

    case, machine = sut.case, sut.machine
    care, progress = bench.settings.care, bench.settings.progress
    with turn(machine, case.id, progress) as alone, watch(case.target, machine, care) as seen:
        queries = queries_of(bench, sut)
        runs = [process_run(bench, sut, queries, seen, number) for number in range(case.claim.conditions.runs)]
    bench.close()
    measurement = measure.of_runs(case.claim, [run.evidence for run in runs])
    latencies = tuple(round(value * 1e9) for run in runs for value in run.evidence.latencies_s)
    result = judged(sut, measurement, runs[-1].software)
    verdict = held_back(result.verdict, shown(case.claim, [run.evidence for run in runs]))
    watched = seen.summary()
    verdict = disturbance.weighed(case.claim, verdict, measurement, disturbance.marked(watched))
    told: Any = {"timings_ns": latencies, "turn": alone, "watched": watched, "timing": told_of(runs)}
    return dataclasses.replace(result, verdict=verdict, **told)


def queries_of(bench: Bench, sut: Sut) -> Queries:
    """Prepared queries, enough that a run cycles through different ones."""
    before, after = sut.pipeline()
    batch = before.batch_size(batch_of(sut.case.claim.conditions, before.batched))
    items = sampled(bench.read(sut, sut.split), TIMED_QUERIES * batch, sut.data_name)
    groups = [items[at : at + batch] for at in range(0, len(items) - batch + 1, batch)]
    if not groups:
        raise MlmsError(f"a batch of {batch} needs as many items", got=f"{len(items)} in {sut.split.name}")
    samples = [before.tensors(group) for group in groups]
    if sut.case.claim.conditions.measures == "model":
        return Queries(samples, [0.0] * len(samples), batch)
    agent = bench.worker(sut).agent
    overhead = []
    for group, sample in zip(groups, samples, strict=True):
        outputs, _ = agent.predict(sample)
        started = time.perf_counter()
        before.tensors(group)
        after.predictions(outputs, len(group))
        overhead.append(time.perf_counter() - started)
    return Queries(samples, overhead, batch)


def process_run(bench: Bench, sut: Sut, queries: Queries, seen: Watch, number: int) -> Run:
    """Put a fresh worker under the claim's load, again where that was disturbed and may be repeated; it stays open."""
    runs = sut.case.claim.conditions.runs
    while True:
        bench.settings.progress(f"{sut.case.id}: process run {number + 1} of {runs}")
        run, what_went_on = _process_run(bench, sut, queries, seen, number)
        if not seen.again(what_went_on):
            return run


def _process_run(bench: Bench, sut: Sut, queries: Queries, seen: Watch, number: int) -> tuple[Run, Seen]:
    conditions = sut.case.claim.conditions
    bench.close()  # every run is a process of its own
    with seen.pinning.held(conditions.threads):
        worker = bench.worker(sut)
    with seen.run(worker.agent.pid) as what_went_on:
        loaded = load(worker.agent, sut.case, queries.samples, queries.batch, number, bench.settings.engine)
    bench.keep_built(sut, worker.agent)
    evidence = evidence_of(loaded, queries, conditions.percentile, worker.agent.stats())
    return dataclasses.replace(steady_run(evidence, worker.software), loaded=loaded), what_went_on


def steady_run(evidence: TimedEvidence, software: Mapping[str, Any]) -> Run:
    """A process run without the warm-up that is found in it, besides the queries that were never timed.

    Where queries arrive by themselves, the first ones are part of the load, and nothing is cut.
    """
    found = warm_up(evidence.latencies_s) if evidence.rate is None else WarmUp(0, 1.0, steady=True)
    n, cut = len(evidence.latencies_s), found.queries
    if not cut:
        return Run(evidence, software, found)
    left = dataclasses.replace(
        evidence,
        latencies_s=evidence.latencies_s[cut:],
        wall_s=evidence.wall_s - float(evidence.latencies_s[:cut].sum()),
        samples=evidence.samples * (n - cut) // n,
    )
    return Run(left, software, found)


def told_of(runs: Sequence[Run]) -> dict[str, Any]:
    """Of each process run its warm-up and how far its queries depend on each other, as plain data."""
    return {
        "warm_up": [dataclasses.asdict(run.warm_up) for run in runs],
        "dependence": [dataclasses.asdict(dependence(run.evidence.latencies_s)) for run in runs],
    }


def evidence_of(
    loaded: Loaded, queries: Queries, percentile: float, stats: Mapping[str, int], first: int = 0
) -> TimedEvidence:
    """What was timed, with what comes before and after the model; ``first`` is the query that it began with."""
    import numpy as np

    timings = loaded.timings
    latencies = np.asarray(loaded.latencies_ns, dtype=float) / 1e9
    # A query of several batches is prepared as often.
    calls = max(1, timings["samples"] // (queries.batch * max(1, len(timings["latencies_ns"]))))
    overhead = np.roll(np.asarray(queries.overhead_s), -first)
    added = np.resize(overhead, (len(latencies), calls)).sum(axis=1)
    return TimedEvidence(
        latencies_s=latencies + added,
        wall_s=timings["wall_ns"] / 1e9 + float(added.sum()),
        samples=timings["samples"],
        percentile=percentile,
        peak_bytes=int(stats["peak_bytes"]),
        rate=loaded.rate,
    )

"""The only wiring: from a case to its result."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_mlmodelscope.claim.expand import kind_of, other_framework, usual_targets
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, MlmsError, NotApplicable, OfflineError
from pytest_mlmodelscope.core.manifest import Split
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.result import BaselineComparison, Case, Measurement, Result, Verdict
from pytest_mlmodelscope.interfaces.check import Answers
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.interfaces.metric import (
    CountedEvidence,
    DeviceEvidence,
    ItemEvidence,
    StaticEvidence,
    TimedEvidence,
)
from pytest_mlmodelscope.manifest.data import read_split, sampled
from pytest_mlmodelscope.sut import Sut, assets_used, require, require_files, require_processor
from pytest_mlmodelscope.verdict import baseline, measure
from pytest_mlmodelscope.verdict.judge import judge

if TYPE_CHECKING:
    from pytest_mlmodelscope.agent.agent import Agent
    from pytest_mlmodelscope.agent.limits import Limits
    from pytest_mlmodelscope.agent.pool import Opened
    from pytest_mlmodelscope.agent.watch import Watch
    from pytest_mlmodelscope.checking import Compared, Side
    from pytest_mlmodelscope.store.outputs import Outputs

#: Prepared queries that a timed run cycles through: enough that no cache of results pays.
TIMED_QUERIES = 64


@dataclass(frozen=True, slots=True)
class Settings:
    """How a session measures. ``sample`` items of a dataset are evaluated at most; None is all.

    ``baselines`` is the folder that results are compared with, or with ``record`` written to.
    """

    cache: Path | None = None
    offline: bool = False
    sample: int | None = None
    baselines: Path | None = None
    record: bool = False
    limits: Limits | None = None
    progress: Callable[[str], None] = lambda text: None


@dataclass(slots=True)
class _Predicted:
    """The predictions of a model over a split; several claims are judged by the same ones."""

    evidence: ItemEvidence
    available: int
    kept: Mapping[str, Any]
    software: Mapping[str, Any]
    outputs: Mapping[str, Any]
    steps: dict[str, float] = field(default_factory=dict)

    def answers(self) -> Answers:
        """The decisions, and the outputs as far as they were kept."""
        from pytest_mlmodelscope.store import arrays

        outputs = arrays.read(Path(self.outputs["file"])) if "file" in self.outputs else {}
        return Answers(outputs, self.evidence.predictions)


class Engine:
    """Verifies cases one after another, and keeps what they share: files, environments, the last
    worker, predictions. Close it (or use it as a context manager) to end the worker.
    """

    def __init__(self, settings: Settings = Settings()) -> None:
        from pytest_mlmodelscope.agent.engines import Engines
        from pytest_mlmodelscope.agent.environment import Environments
        from pytest_mlmodelscope.agent.pool import Pool
        from pytest_mlmodelscope.agent.recipe import Recipes
        from pytest_mlmodelscope.manifest.cache import Cache
        from pytest_mlmodelscope.manifest.fetch import Fetcher

        self.settings = settings
        self.cache = Cache(settings.cache)
        self._environments = Environments(self.cache.root, settings.offline, settings.progress)
        make = Recipes(self._environments, settings.limits)
        self._fetcher = Fetcher(self.cache, settings.offline, settings.progress, make)
        self._pool = Pool(settings.limits)
        self._engines = Engines(self.cache)
        self._predicted: dict[tuple[Any, ...], _Predicted] = {}

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker that is still open."""
        self._pool.close()

    def verify(self, case: Case) -> Result:
        """Measure a case and judge it. Whatever goes wrong is a verdict too, never an exception,
        save for mistakes in this program itself.
        """
        started = time.perf_counter()
        try:
            result = self._against_baseline(self._measure(case))
        except (NotApplicable, EnvironmentUnavailable, OfflineError) as error:
            result = Result(case, Verdict("not_applicable", str(error)))
        except MlmsError as error:
            self.close()  # a worker that failed once is not asked again
            result = Result(case, Verdict("error", str(error)))
        return dataclasses.replace(result, seconds=time.perf_counter() - started)

    def _measure(self, case: Case) -> Result:
        sut, steps = self._set_up(case)
        of_kind = {
            "items": self._items,
            "outputs": self._raw,
            "timed": self._timed,
            "static": self._static,
            "device": self._device,
            "counted": self._counted,
            "check": self._check,
        }
        result: Result = of_kind[kind_of(case.claim)](sut)
        evidence = sut.evidence(result.software)
        steps = {**steps, **result.steps}
        return dataclasses.replace(result, machine=sut.machine.identity, evidence=evidence, steps=steps)

    def _set_up(self, case: Case) -> tuple[Sut, dict[str, float]]:
        from pytest_mlmodelscope.targets import chosen, named

        machine = chosen(named(case.target), case.claim.conditions.hardware)
        require_files(case)
        require(case, machine)
        clock = _Stopwatch()
        files = {name: self._fetcher.fetch(case.model.assets[name]) for name in assets_used(case)}
        clock.lap("fetch_model")
        environment = self._environments.obtain(case.framework, case.requirement, machine.place)
        environment = dataclasses.replace(environment, variables={**environment.variables, **machine.variables})
        clock.lap("environment")
        return Sut(case, machine, files, environment), clock.laps

    def _against_baseline(self, result: Result) -> Result:
        from pytest_mlmodelscope.record.baseline import Baselines, baseline_of
        from pytest_mlmodelscope.record.case import case_record, conditions

        if self.settings.baselines is None or result.measurement is None or result.measurement.kind == "check":
            return result
        kept, machine = Baselines(self.settings.baselines), result.machine["machine_class"]
        case = _as_there(result.case)
        if self.settings.record and result.watched.get("throttled"):
            slowed = "not recorded: the device was slowed down while it was timed"
            return dataclasses.replace(result, baseline=BaselineComparison("none", slowed))
        if self.settings.record:
            if math.isfinite(result.measurement.value):
                there = case_record(dataclasses.replace(result, case=case))
                kept.put(machine, baseline_of(there, baseline.noise(result.measurement)))
            return result
        key = baseline.Key(conditions(case.claim), case.model.digest, result.data_digest)
        compared = baseline.compare(case.claim, result.measurement, key, kept.get(machine, case.id))
        return dataclasses.replace(result, baseline=compared)

    # -- figures over items ---------------------------------------------------------------

    def _items(self, sut: Sut) -> Result:
        predicted = self._predict(sut)
        measurement = measure.of_items(sut.case.claim, predicted.evidence, predicted.available)
        result = _judged(sut, measurement, predicted.software)
        return dataclasses.replace(result, steps=predicted.steps, predictions=predicted.kept, outputs=predicted.outputs)

    def _raw(self, sut: Sut) -> Result:
        """A figure over the numbers themselves."""
        predicted = self._predict(sut)
        evidence = ItemEvidence(list(_output(sut, predicted)), predicted.evidence.references)
        measurement = measure.of_items(sut.case.claim, evidence, predicted.available)
        result = _judged(sut, measurement, predicted.software)
        return dataclasses.replace(result, steps=predicted.steps, predictions=predicted.kept, outputs=predicted.outputs)

    def _predict(self, sut: Sut) -> _Predicted:
        assert sut.case.dataset is not None  # a claim over items has data
        key = (sut.worker_key, sut.case.dataset.digest, sut.split.name, self._sample_size(sut.case))
        if key not in self._predicted:
            self._predicted[key] = self._predict_now(sut)
        return self._predicted[key]

    def _predict_now(self, sut: Sut) -> _Predicted:
        from pytest_mlmodelscope.store import predictions as store
        from pytest_mlmodelscope.store.outputs import Outputs

        clock = _Stopwatch()
        items = self._read(sut, sut.split)
        available = len(items)
        items = sampled(items, self._sample_size(sut.case), sut.data_name)
        clock.lap("read_data")
        worker = self._worker(sut)
        clock.lap("open_model")
        outputs = Outputs()
        found, busy = self._stream(sut, worker.agent, items, outputs)
        clock.lap("predict")
        self._keep_built(sut, worker.agent)
        evidence = ItemEvidence(found, [item.label for item in items])
        kept = store.keep(self.cache.root / "predictions", [item.id for item in items], found, evidence.references)
        raw = outputs.keep(self.cache.root / "outputs")
        steps = {**clock.laps, "predict_in_worker": busy}
        return _Predicted(evidence, available, kept, worker.software, raw, steps)

    def _stream(self, sut: Sut, agent: Agent, items: Sequence[Item], raw: Outputs) -> tuple[list[Any], float]:
        """The prediction of every item, and the seconds that the model took for them."""
        before, after = sut.pipeline()
        size = before.batch_size(sut.case.claim.conditions.batch)
        batches = (items[start : start + size] for start in range(0, len(items), size))
        found: list[Any] = []
        busy = 0
        for outputs, spent in agent.predict_stream(before.tensors(batch) for batch in batches):
            found.extend(after.predictions(outputs, min(size, len(items) - len(found))))
            raw.add(outputs, before.batched)
            busy += spent
            self.settings.progress(f"{sut.case.id}: {len(found):,} of {len(items):,} items")
        return found, busy / 1e9

    def _sample_size(self, case: Case) -> int | None:
        """The fewest of what the user and the claim want evaluated; None is everything."""
        wanted = [case.claim.dataset.items if case.claim.dataset else None, self.settings.sample]
        return min((count for count in wanted if count is not None), default=None)

    def _read(self, sut: Sut, split: Split) -> list[Item]:
        assert sut.case.dataset is not None  # only claims with data have a split
        return read_split(sut.case.dataset, split, self._fetcher)

    # -- timed figures --------------------------------------------------------------------

    def _timed(self, sut: Sut) -> Result:
        from pytest_mlmodelscope.agent.turns import turn
        from pytest_mlmodelscope.agent.watch import watch

        case, machine = sut.case, sut.machine
        with turn(machine, case.id, self.settings.progress) as alone, watch(case.target, machine) as seen:
            samples, overhead = self._timed_queries(sut)
            runs = list(self._process_runs(sut, samples, overhead, seen))
        measurement = measure.of_runs(sut.case.claim, [evidence for evidence, _ in runs])
        latencies = tuple(round(value * 1e9) for evidence, _ in runs for value in evidence.latencies_s)
        result = _judged(sut, measurement, runs[-1][1])
        return dataclasses.replace(result, timings_ns=latencies, turn=alone, watched=seen.summary())

    def _timed_queries(self, sut: Sut) -> tuple[list[Any], list[float]]:
        """Prepared queries, and the seconds that pre- and post-processing add to each."""
        before, after = sut.pipeline()
        batch = before.batch_size(sut.case.claim.conditions.batch or 1)
        items = sampled(self._read(sut, sut.split), TIMED_QUERIES * batch, sut.data_name)
        groups = [items[at : at + batch] for at in range(0, len(items) - batch + 1, batch)]
        if not groups:
            raise MlmsError(f"a batch of {batch} needs as many items", got=f"{len(items)} in {sut.split.name}")
        samples = [before.tensors(group) for group in groups]
        if sut.case.claim.conditions.measures == "model":
            return samples, [0.0] * len(samples)
        agent = self._worker(sut).agent
        overhead = []
        for group, sample in zip(groups, samples, strict=True):
            outputs, _ = agent.predict(sample)
            started = time.perf_counter()
            before.tensors(group)
            after.predictions(outputs, len(group))
            overhead.append(time.perf_counter() - started)
        return samples, overhead

    def _process_runs(
        self, sut: Sut, samples: list[Any], overhead: Sequence[float], seen: Watch
    ) -> Iterator[tuple[TimedEvidence, Mapping[str, Any]]]:
        conditions = sut.case.claim.conditions
        for number in range(conditions.runs):
            self.settings.progress(f"{sut.case.id}: process run {number + 1} of {conditions.runs}")
            self.close()  # every run is a process of its own
            worker = self._worker(sut)
            with seen:
                timings = worker.agent.load(conditions.scenario, samples, _load_settings(sut.case, len(samples)))
            self._keep_built(sut, worker.agent)
            yield _timed_evidence(timings, overhead, conditions.percentile, worker.agent.stats()), worker.software
        self.close()

    # -- figures of the model itself ------------------------------------------------------

    def _static(self, sut: Sut) -> Result:
        size = sum(sut.case.model.assets[name].size for name in sut.case.framework.assets.values())
        software = self._worker(sut).software
        measurement = measure.of_model(sut.case.claim, StaticEvidence(size, software.get("parameters")))
        return _judged(sut, measurement, software)

    def _device(self, sut: Sut) -> Result:
        worker = self._worker(sut)
        figures = worker.agent.count(member("metrics", sut.case.claim.metric).FIGURES, self._query(sut))
        self._keep_built(sut, worker.agent)
        measurement = measure.of_model(sut.case.claim, DeviceEvidence(figures))
        return dataclasses.replace(_judged(sut, measurement, worker.software), steps=_seconds(figures))

    def _query(self, sut: Sut) -> Mapping[str, Any]:
        """The first of the dataset's items as one query; empty where the claim names no data."""
        if sut.case.dataset is None:
            return {}
        before, _ = sut.pipeline()
        return before.tensors(self._read(sut, sut.split)[: before.batch_size(sut.case.claim.conditions.batch or 1)])

    # -- instructions ---------------------------------------------------------------------

    def _counted(self, sut: Sut) -> Result:
        require_processor(sut.machine)
        if sut.machine.nature == "emulated":
            sut = self._counting(sut)
        inputs = self._query(sut)
        calls: list[int] = []
        software: Mapping[str, Any] = {}
        for number in range(sut.case.claim.conditions.runs):
            worker = self._worker(sut.laid_out(number))
            software = worker.software
            calls += worker.agent.instructions(inputs)
        return _judged(sut, measure.of_calls(sut.case.claim, CountedEvidence(calls)), software)

    def _counting(self, sut: Sut) -> Sut:
        """The same with an emulator that counts."""
        from pytest_mlmodelscope.agent.counter import counting

        found = counting(sut.environment, self.settings.progress, self.settings.offline)
        return dataclasses.replace(sut, environment=found)

    # -- checks ---------------------------------------------------------------------------

    def _check(self, sut: Sut) -> Result:
        from pytest_mlmodelscope.checking import Pair, check_case

        beside = self._beside(sut)
        compared = self._compared(sut, beside)
        try:
            own = self._side(sut, sut.worker_key, 2)
            other = None if beside is None else self._side(beside, (*beside.worker_key, "beside"), 2)
            items = partial(self._some_items, sut)
            return check_case(sut.case, Pair.of(own, other), self.cache.root, items, compared)
        finally:
            if beside is not None:
                self.close()  # two workers are one too many for whoever comes next

    def _beside(self, sut: Sut) -> Sut | None:
        """What stands beside the model: itself in a process of its own, or on another framework."""
        other = other_framework(sut.case.claim)
        if other is None:
            return sut if member("checks", sut.case.claim.metric).BESIDE == "process" else None
        use = sut.case.model.frameworks[other.name]
        beside = self._set_up(dataclasses.replace(sut.case, framework=use, requirement=other.version))[0]
        if (use.name, beside.environment.version) == (sut.case.framework.name, sut.environment.version):
            raise NotApplicable(f"both are {use.name} {beside.environment.version}: nothing to compare")
        return beside

    def _compared(self, sut: Sut, beside: Sut | None) -> Compared:
        """What two frameworks gave for the items of the claim's dataset, where it has one."""
        from pytest_mlmodelscope.checking import Compared, compare_items

        if sut.case.dataset is None or beside is None or beside is sut:
            return Compared()
        one, other = self._predict(sut).answers(), self._predict(beside).answers()
        return compare_items(sut.case, self._some_items(sut), one, other)

    def _side(self, sut: Sut, key: tuple[Any, ...], room: int) -> Side:
        from pytest_mlmodelscope.checking import Side

        framework, model = sut.case.framework, sut.case.model
        return Side(self._worker(sut, key, room), framework.inputs or model.inputs, *sut.pipeline())

    def _some_items(self, sut: Sut) -> list[Item]:
        return sampled(self._read(sut, sut.split), self._sample_size(sut.case), sut.data_name)

    # -- workers --------------------------------------------------------------------------

    def _worker(self, sut: Sut, key: tuple[Any, ...] | None = None, room: int = 1) -> Opened:
        request: Any = {**sut.open_request(), "kept": self._engines.found(sut.engine_key)}
        key = key or sut.worker_key
        return self._pool.get(key, sut.environment, request, lambda agent: self._train(sut, agent), room)

    def _keep_built(self, sut: Sut, agent: Agent) -> None:
        """What the worker built of the model, for the next one that can use it."""
        self._engines.keep(sut.engine_key, agent.built(), sut.engine)

    def _train(self, sut: Sut, agent: Agent) -> None:
        case = sut.case
        fit = case.framework.options.get("fit")
        if fit is None or case.dataset is None:
            return
        name = fit.get("split", "train")
        if name not in case.dataset.splits:
            raise MlmsError(f"{case.dataset.name} has no split to train on", hint=f'add a split "{name}"')
        items = self._read(sut, case.dataset.splits[name])
        self.settings.progress(f"{case.id}: training on {len(items):,} items")
        agent.fit(sut.pipeline()[0].tensors(items), [item.label for item in items])


def _as_there(case: Case) -> Case:
    """The case as a run on the machine itself has it, whatever the address by which it is reached from here."""
    if "://" not in case.target:
        return case
    return dataclasses.replace(case, target=usual_targets(case.claim)[0])


def _output(sut: Sut, predicted: _Predicted) -> Any:
    """What the model gave for every item, of the output that the claim names or the first."""
    declared = sut.case.framework.outputs or sut.case.model.outputs
    name = sut.case.claim.metric_options.get("output") or next(iter(spec.name for spec in declared), "")
    kept = predicted.answers().outputs
    if name not in kept:
        why = predicted.outputs.get("why") or "other outputs are"
        raise MlmsError(f'the output "{name}" of {sut.case.model.name} is not kept: {why}', got=", ".join(kept))
    return kept[name]


def _seconds(figures: Mapping[str, float]) -> dict[str, float]:
    """The seconds of what a predictor did to find its figures."""
    mark = "seconds_of_"
    return {name.removeprefix(mark): value for name, value in figures.items() if name.startswith(mark)}


class _Stopwatch:
    """Seconds of named parts of a run, one after another."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self._last = now - self._last, now


def _judged(sut: Sut, measurement: Measurement, software: Mapping[str, Any]) -> Result:
    case = sut.case
    digest = case.dataset.digest if case.dataset else None
    return Result(case, judge(case.claim, measurement), measurement, software=software, data_digest=digest)


def _timed_evidence(
    timings: Mapping[str, Any], overhead: Sequence[float], percentile: float, stats: Mapping[str, int]
) -> TimedEvidence:
    import numpy as np

    latencies = np.asarray(timings["latencies_ns"], dtype=float) / 1e9
    added = np.resize(np.asarray(overhead), len(latencies))
    return TimedEvidence(
        latencies_s=latencies + added,
        wall_s=timings["wall_ns"] / 1e9 + float(added.sum()),
        samples=timings["samples"],
        percentile=percentile,
        peak_bytes=int(stats["peak_bytes"]),
    )


def _load_settings(case: Case, samples: int) -> Any:
    """Every query once, at least ten beyond the percentile, and the time that the claim asks for."""
    tail = 1 - case.claim.conditions.percentile / 100
    seconds = case.claim.conditions.seconds
    return {
        "warmup": 10,
        "min_queries": max(samples, math.ceil(10 / max(tail, 1e-4))),
        "min_seconds": seconds,
        "max_seconds": max(30.0, 10 * seconds),
        "samples": samples,
        "batch": case.claim.conditions.batch or 1,
    }

"""The only wiring: from a case to its result."""

from __future__ import annotations

import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_mlmodelscope.claim.expand import kind_of, other_framework, usual_targets
from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, MlmsError, NotApplicable, OfflineError
from pytest_mlmodelscope.core.framework import framework_spec
from pytest_mlmodelscope.core.manifest import Input, Output, Split
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.result import BaselineComparison, Case, Measurement, Result, Verdict
from pytest_mlmodelscope.interfaces.check import Answers
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.interfaces.metric import CountedEvidence, ItemEvidence, StaticEvidence, TimedEvidence
from pytest_mlmodelscope.manifest.data import read_split, sampled, texts
from pytest_mlmodelscope.manifest.pipeline import Decision, Preparation
from pytest_mlmodelscope.verdict import baseline, measure
from pytest_mlmodelscope.verdict.judge import judge

if TYPE_CHECKING:
    from pytest_mlmodelscope.agent.agent import Agent
    from pytest_mlmodelscope.agent.environment import Environment
    from pytest_mlmodelscope.agent.limits import Limits
    from pytest_mlmodelscope.agent.pool import Opened
    from pytest_mlmodelscope.agent.watch import Watch
    from pytest_mlmodelscope.checking import Compared, Side
    from pytest_mlmodelscope.interfaces.target import Machine
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


@dataclass(frozen=True, slots=True)
class _Setup:
    """A case with what it needs before anything runs."""

    case: Case
    machine: Machine
    files: Mapping[str, Path]
    environment: Environment

    @property
    def split(self) -> Split:
        """The part of the dataset that the claim is about."""
        assert self.case.dataset is not None  # expand refuses a claim that needs data and names none
        assert self.case.claim.dataset is not None
        return self.case.dataset.splits[self.case.claim.dataset.split]

    @property
    def data_name(self) -> str:
        """Dataset and split, as a sample of them is named."""
        assert self.case.dataset is not None  # as above
        return f"{self.case.dataset.name}/{self.split.name}"

    def pipeline(self) -> tuple[Preparation, Decision]:
        """What comes before the model and what after it."""
        framework, model = self.case.framework, self.case.model
        before = Preparation(framework.inputs or model.inputs, self.files)
        return before, Decision(framework.outputs or model.outputs, self.files, before.batched)


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
        setup, steps = self._set_up(case)
        of_kind = {
            "items": self._items,
            "outputs": self._raw,
            "timed": self._timed,
            "static": self._static,
            "counted": self._counted,
            "check": self._check,
        }
        result: Result = of_kind[kind_of(case.claim)](setup)
        evidence = _evidence(setup, result.software)
        steps = {**steps, **result.steps}
        return dataclasses.replace(result, machine=setup.machine.identity, evidence=evidence, steps=steps)

    def _set_up(self, case: Case) -> tuple[_Setup, dict[str, float]]:
        from pytest_mlmodelscope.targets import chosen, named

        machine = chosen(named(case.target), case.claim.conditions.hardware)
        _require_files(case)
        _require_device(case, machine)
        _require_clock(case, machine)
        clock = _Stopwatch()
        files = {name: self._fetcher.fetch(case.model.assets[name]) for name in _assets_used(case)}
        clock.lap("fetch_model")
        environment = self._environments.obtain(case.framework, case.requirement, machine.place)
        environment = dataclasses.replace(environment, variables={**environment.variables, **machine.variables})
        clock.lap("environment")
        return _Setup(case, machine, files, environment), clock.laps

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

    def _items(self, setup: _Setup) -> Result:
        predicted = self._predict(setup)
        measurement = measure.of_items(setup.case.claim, predicted.evidence, predicted.available)
        result = _judged(setup, measurement, predicted.software)
        return dataclasses.replace(result, steps=predicted.steps, predictions=predicted.kept, outputs=predicted.outputs)

    def _raw(self, setup: _Setup) -> Result:
        """A figure over the numbers themselves."""
        predicted = self._predict(setup)
        evidence = ItemEvidence(list(_output(setup, predicted)), predicted.evidence.references)
        measurement = measure.of_items(setup.case.claim, evidence, predicted.available)
        result = _judged(setup, measurement, predicted.software)
        return dataclasses.replace(result, steps=predicted.steps, predictions=predicted.kept, outputs=predicted.outputs)

    def _predict(self, setup: _Setup) -> _Predicted:
        assert setup.case.dataset is not None  # a claim over items has data
        key = (_worker_key(setup), setup.case.dataset.digest, setup.split.name, self._sample_size(setup.case))
        if key not in self._predicted:
            self._predicted[key] = self._predict_now(setup)
        return self._predicted[key]

    def _predict_now(self, setup: _Setup) -> _Predicted:
        from pytest_mlmodelscope.store import predictions as store
        from pytest_mlmodelscope.store.outputs import Outputs

        clock = _Stopwatch()
        items = self._read(setup, setup.split)
        available = len(items)
        items = sampled(items, self._sample_size(setup.case), setup.data_name)
        clock.lap("read_data")
        worker = self._worker(setup)
        clock.lap("open_model")
        outputs = Outputs()
        found, busy = self._stream(setup, worker.agent, items, outputs)
        clock.lap("predict")
        self._keep_built(setup, worker.agent)
        evidence = ItemEvidence(found, [item.label for item in items])
        kept = store.keep(self.cache.root / "predictions", [item.id for item in items], found, evidence.references)
        raw = outputs.keep(self.cache.root / "outputs")
        steps = {**clock.laps, "predict_in_worker": busy}
        return _Predicted(evidence, available, kept, worker.software, raw, steps)

    def _stream(self, setup: _Setup, agent: Agent, items: Sequence[Item], raw: Outputs) -> tuple[list[Any], float]:
        """The prediction of every item, and the seconds that the model took for them."""
        before, after = setup.pipeline()
        size = before.batch_size(setup.case.claim.conditions.batch)
        batches = (items[start : start + size] for start in range(0, len(items), size))
        found: list[Any] = []
        busy = 0
        for outputs, spent in agent.predict_stream(before.tensors(batch) for batch in batches):
            found.extend(after.predictions(outputs, min(size, len(items) - len(found))))
            raw.add(outputs, before.batched)
            busy += spent
            self.settings.progress(f"{setup.case.id}: {len(found):,} of {len(items):,} items")
        return found, busy / 1e9

    def _sample_size(self, case: Case) -> int | None:
        """The fewest of what the user and the claim want evaluated; None is everything."""
        wanted = [case.claim.dataset.items if case.claim.dataset else None, self.settings.sample]
        return min((count for count in wanted if count is not None), default=None)

    def _read(self, setup: _Setup, split: Split) -> list[Item]:
        assert setup.case.dataset is not None  # only claims with data have a split
        return read_split(setup.case.dataset, split, self._fetcher)

    # -- timed figures --------------------------------------------------------------------

    def _timed(self, setup: _Setup) -> Result:
        from pytest_mlmodelscope.agent.turns import turn
        from pytest_mlmodelscope.agent.watch import watch

        case, machine = setup.case, setup.machine
        with turn(machine, case.id, self.settings.progress) as alone, watch(case.target, machine) as seen:
            samples, overhead = self._timed_queries(setup)
            runs = list(self._process_runs(setup, samples, overhead, seen))
        measurement = measure.of_runs(setup.case.claim, [evidence for evidence, _ in runs])
        latencies = tuple(round(value * 1e9) for evidence, _ in runs for value in evidence.latencies_s)
        result = _judged(setup, measurement, runs[-1][1])
        return dataclasses.replace(result, timings_ns=latencies, turn=alone, watched=seen.summary())

    def _timed_queries(self, setup: _Setup) -> tuple[list[Any], list[float]]:
        """Prepared queries, and the seconds that pre- and post-processing add to each."""
        before, after = setup.pipeline()
        batch = before.batch_size(setup.case.claim.conditions.batch or 1)
        items = sampled(self._read(setup, setup.split), TIMED_QUERIES * batch, setup.data_name)
        groups = [items[at : at + batch] for at in range(0, len(items) - batch + 1, batch)]
        if not groups:
            raise MlmsError(f"a batch of {batch} needs as many items", got=f"{len(items)} in {setup.split.name}")
        samples = [before.tensors(group) for group in groups]
        if setup.case.claim.conditions.measures == "model":
            return samples, [0.0] * len(samples)
        agent = self._worker(setup).agent
        overhead = []
        for group, sample in zip(groups, samples, strict=True):
            outputs, _ = agent.predict(sample)
            started = time.perf_counter()
            before.tensors(group)
            after.predictions(outputs, len(group))
            overhead.append(time.perf_counter() - started)
        return samples, overhead

    def _process_runs(
        self, setup: _Setup, samples: list[Any], overhead: Sequence[float], seen: Watch
    ) -> Iterator[tuple[TimedEvidence, Mapping[str, Any]]]:
        conditions = setup.case.claim.conditions
        for number in range(conditions.runs):
            self.settings.progress(f"{setup.case.id}: process run {number + 1} of {conditions.runs}")
            self.close()  # every run is a process of its own
            worker = self._worker(setup)
            with seen:
                timings = worker.agent.load(conditions.scenario, samples, _load_settings(setup.case, len(samples)))
            self._keep_built(setup, worker.agent)
            yield _timed_evidence(timings, overhead, conditions.percentile, worker.agent.stats()), worker.software
        self.close()

    # -- figures of the model itself ------------------------------------------------------

    def _static(self, setup: _Setup) -> Result:
        size = sum(setup.case.model.assets[name].size for name in setup.case.framework.assets.values())
        software = self._worker(setup).software
        measurement = measure.of_model(setup.case.claim, StaticEvidence(size, software.get("parameters")))
        return _judged(setup, measurement, software)

    def _counted(self, setup: _Setup) -> Result:
        before, _ = setup.pipeline()
        batch = before.batch_size(setup.case.claim.conditions.batch or 1)
        items = self._read(setup, setup.split)[:batch] if setup.case.dataset else []
        inputs = before.tensors(items) if items else {}
        names = member("metrics", setup.case.claim.metric).FIGURES
        if "instructions" in names:
            return self._instructions(setup, inputs)
        worker = self._worker(setup)
        figures = worker.agent.count(names, inputs)
        self._keep_built(setup, worker.agent)
        measurement = measure.of_counts(setup.case.claim, CountedEvidence(figures))
        return dataclasses.replace(_judged(setup, measurement, worker.software), steps=_seconds(figures))

    def _instructions(self, setup: _Setup, inputs: Mapping[str, Any]) -> Result:
        _require_processor(setup)
        if setup.machine.nature == "emulated":
            setup = self._counting(setup)
        worker = self._worker(setup)
        calls = worker.agent.instructions(inputs)
        evidence = CountedEvidence({"instructions": statistics.median(calls)}, calls)
        return _judged(setup, measure.of_counts(setup.case.claim, evidence), worker.software)

    def _counting(self, setup: _Setup) -> _Setup:
        """The same with an emulator that counts."""
        from pytest_mlmodelscope.agent.counter import counting

        found = counting(setup.environment, self.settings.progress, self.settings.offline)
        return dataclasses.replace(setup, environment=found)

    # -- checks ---------------------------------------------------------------------------

    def _check(self, setup: _Setup) -> Result:
        from pytest_mlmodelscope.checking import Pair, check_case

        beside = self._beside(setup)
        compared = self._compared(setup, beside)
        try:
            own = self._side(setup, _worker_key(setup), 2)
            other = None if beside is None else self._side(beside, (*_worker_key(beside), "beside"), 2)
            items = partial(self._some_items, setup)
            return check_case(setup.case, Pair.of(own, other), self.cache.root, items, compared)
        finally:
            if beside is not None:
                self.close()  # two workers are one too many for whoever comes next

    def _beside(self, setup: _Setup) -> _Setup | None:
        """What stands beside the model: itself in a process of its own, or on another framework."""
        other = other_framework(setup.case.claim)
        if other is None:
            return setup if member("checks", setup.case.claim.metric).BESIDE == "process" else None
        use = setup.case.model.frameworks[other.name]
        beside = self._set_up(dataclasses.replace(setup.case, framework=use, requirement=other.version))[0]
        if (use.name, beside.environment.version) == (setup.case.framework.name, setup.environment.version):
            raise NotApplicable(f"both are {use.name} {beside.environment.version}: nothing to compare")
        return beside

    def _compared(self, setup: _Setup, beside: _Setup | None) -> Compared:
        """What two frameworks gave for the items of the claim's dataset, where it has one."""
        from pytest_mlmodelscope.checking import Compared, compare_items

        if setup.case.dataset is None or beside is None or beside is setup:
            return Compared()
        one, other = self._predict(setup).answers(), self._predict(beside).answers()
        return compare_items(setup.case, self._some_items(setup), one, other)

    def _side(self, setup: _Setup, key: tuple[Any, ...], room: int) -> Side:
        from pytest_mlmodelscope.checking import Side

        framework, model = setup.case.framework, setup.case.model
        return Side(self._worker(setup, key, room), framework.inputs or model.inputs, *setup.pipeline())

    def _some_items(self, setup: _Setup) -> list[Item]:
        return sampled(self._read(setup, setup.split), self._sample_size(setup.case), setup.data_name)

    # -- workers --------------------------------------------------------------------------

    def _worker(self, setup: _Setup, key: tuple[Any, ...] | None = None, room: int = 1) -> Opened:
        request: Any = {**_open_request(setup), "kept": self._engines.found(_engine_key(setup))}
        key = key or _worker_key(setup)
        return self._pool.get(key, setup.environment, request, lambda agent: self._train(setup, agent), room)

    def _keep_built(self, setup: _Setup, agent: Agent) -> None:
        """What the worker built of the model, for the next one that can use it."""
        precision = setup.case.claim.conditions.precision
        what = f"{setup.case.framework.name} engine of {setup.case.model.name}, {precision}, for {setup.machine.name}"
        self._engines.keep(_engine_key(setup), agent.built(), what)

    def _train(self, setup: _Setup, agent: Agent) -> None:
        case = setup.case
        fit = case.framework.options.get("fit")
        if fit is None or case.dataset is None:
            return
        name = fit.get("split", "train")
        if name not in case.dataset.splits:
            raise MlmsError(f"{case.dataset.name} has no split to train on", hint=f'add a split "{name}"')
        items = self._read(setup, case.dataset.splits[name])
        self.settings.progress(f"{case.id}: training on {len(items):,} items")
        agent.fit(setup.pipeline()[0].tensors(items), [item.label for item in items])


def _assets_used(case: Case) -> list[str]:
    """What this framework loads and its steps name: a model may have the files of many frameworks."""
    framework, model = case.framework, case.model
    specs: list[Input | Output] = [*(framework.inputs or model.inputs), *(framework.outputs or model.outputs)]
    named = {text for spec in specs for step in spec.steps for text in texts(step.options)}
    return [name for name in model.assets if name in named or name in framework.assets.values()]


def _as_there(case: Case) -> Case:
    """The case as a run on the machine itself has it, whatever the address by which it is reached from here."""
    if "://" not in case.target:
        return case
    return dataclasses.replace(case, target=usual_targets(case.claim)[0])


def _output(setup: _Setup, predicted: _Predicted) -> Any:
    """What the model gave for every item, of the output that the claim names or the first."""
    declared = setup.case.framework.outputs or setup.case.model.outputs
    name = setup.case.claim.metric_options.get("output") or next(iter(spec.name for spec in declared), "")
    kept = predicted.answers().outputs
    if name not in kept:
        why = predicted.outputs.get("why") or "other outputs are"
        raise MlmsError(f'the output "{name}" of {setup.case.model.name} is not kept: {why}', got=", ".join(kept))
    return kept[name]


def _evidence(setup: _Setup, software: Mapping[str, Any]) -> str:
    """What a figure rests on where that is not the hardware itself: simulated, placed and routed..."""
    claim, of_figures = setup.case.claim, software.get("evidence", {})
    figures = member("metrics", claim.metric).FIGURES if kind_of(claim) == "counted" else ()
    told = [of_figures[name] for name in figures if name in of_figures]
    nature = setup.machine.nature
    # Of several figures the last is the one that the others are brought to, as cycles to a clock.
    return str(told[-1]) if told else "" if nature == "hardware" else nature


def _seconds(figures: Mapping[str, float]) -> dict[str, float]:
    """The seconds of what a predictor did to find its figures."""
    mark = "seconds_of_"
    return {name.removeprefix(mark): value for name, value in figures.items() if name.startswith(mark)}


def _require_files(case: Case) -> None:
    if case.model.elsewhere:
        what = f"the model {case.model.name} is not at hand: {case.model.elsewhere}"
        raise NotApplicable(what, hint=f"add its files to {shown_path(case.model.path)}, and drop `elsewhere`")


def _require_device(case: Case, machine: Machine) -> None:
    spec = framework_spec(case.framework.name)
    if machine.device not in spec.devices:
        raise NotApplicable(
            f"{spec.title} is not driven on a {machine.device} here",
            expected=" or ".join(spec.devices),
            got=f"{machine.device}: {machine.name}",
        )


def _require_clock(case: Case, machine: Machine) -> None:
    if kind_of(case.claim) == "timed" and machine.nature != "hardware":
        raise NotApplicable(
            f"the {case.claim.metric} of {machine.name} cannot be measured here: it is {machine.nature}",
            expected="the hardware itself",
            got=f"{machine.name}, {machine.nature}",
            hint=f"run the same command on a machine that has {machine.arch} or {machine.name} itself",
        )


def _require_processor(setup: _Setup) -> None:
    machine = setup.machine
    if machine.device != "cpu":
        raise NotApplicable(
            f"the instructions of {machine.name} are not counted, those of a processor are",
            expected="a processor",
            got=machine.device,
            hint="give the claim `hardware: {device: cpu}`",
        )


class _Stopwatch:
    """Seconds of named parts of a run, one after another."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self._last = now - self._last, now


def _judged(setup: _Setup, measurement: Measurement, software: Mapping[str, Any]) -> Result:
    case = setup.case
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


def _worker_key(setup: _Setup) -> tuple[Any, ...]:
    """What two cases must share to be answered by one worker."""
    case, conditions = setup.case, setup.case.claim.conditions
    trained_on = case.dataset.digest if case.dataset and "fit" in case.framework.options else None
    machine = (setup.machine.device, *setup.machine.variables.items())
    chosen = (conditions.threads, conditions.precision, conditions.batch)
    return (setup.environment.key, case.framework.name, case.model.digest, machine, *chosen, trained_on)


def _engine_key(setup: _Setup) -> str:
    """What two workers must share to use what one of them built: model, framework, device and precision."""
    from pytest_mlmodelscope.agent.engines import key_of

    framework, machine = setup.case.framework, setup.machine
    files = {role: setup.case.model.assets[name].sha256 for role, name in framework.assets.items()}
    facts = [machine.facts.get(name) for name in ("driver", "compute_capability")]
    software, precision = dict(setup.environment.packages), setup.case.claim.conditions.precision
    return key_of(files, framework.name, software, machine.machine_class, machine.name, facts, precision)


def _open_request(setup: _Setup) -> Any:
    case, conditions = setup.case, setup.case.claim.conditions
    framework, model = case.framework, case.model
    return {
        "files": {role: str(setup.files[name]) for role, name in framework.assets.items()},
        "options": dict(framework.options),
        "inputs": [_tensor(spec) for spec in framework.inputs or model.inputs],
        "outputs": [_tensor(spec) for spec in framework.outputs or model.outputs],
        "threads": conditions.threads,
        "device": setup.machine.device,
        "machine": setup.machine.name,
        "precision": conditions.precision,
    }


def _tensor(spec: Any) -> dict[str, Any]:
    return {"name": spec.name, "dtype": spec.dtype, "shape": list(spec.shape)}


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

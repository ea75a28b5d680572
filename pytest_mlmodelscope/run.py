"""The only wiring: from a case to its result."""

from __future__ import annotations

import dataclasses
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, MlmsError, NotApplicable, OfflineError
from pytest_mlmodelscope.core.manifest import Split
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.result import Case, Interval, Measurement, Result, Verdict
from pytest_mlmodelscope.core.units import factor
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.interfaces.metric import ItemEvidence, StaticEvidence, TimedEvidence
from pytest_mlmodelscope.verdict import intervals
from pytest_mlmodelscope.verdict.judge import judge

if TYPE_CHECKING:
    from pytest_mlmodelscope.agent.agent import Agent, Limits
    from pytest_mlmodelscope.agent.environment import Environment
    from pytest_mlmodelscope.interfaces.target import Machine

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
    """What a case needs before anything runs."""

    machine: Machine
    files: Mapping[str, Path]
    environment: Environment


@dataclass(slots=True)
class _Predicted:
    """The predictions of a model over a split; several claims are judged by the same ones."""

    ids: list[str]
    predictions: list[Any]
    references: list[Any]
    kept: dict[str, Any]
    software: Mapping[str, Any]
    steps: dict[str, float] = field(default_factory=dict)
    available: int = 0


class Engine:
    """Verifies cases one after another, and keeps what they share: files, environments, the last
    worker, predictions. Close it (or use it as a context manager) to end the worker.
    """

    def __init__(self, settings: Settings = Settings()) -> None:
        from pytest_mlmodelscope.agent.environment import Environments
        from pytest_mlmodelscope.manifest.cache import Cache
        from pytest_mlmodelscope.manifest.fetch import Fetcher

        self.settings = settings
        self.cache = Cache(settings.cache)
        self._fetcher = Fetcher(self.cache, settings.offline, settings.progress)
        self._environments = Environments(self.cache.root, settings.offline, settings.progress)
        self._predicted: dict[tuple[Any, ...], _Predicted] = {}
        self._agent: tuple[tuple[Any, ...], Agent, Mapping[str, Any]] | None = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker that is still open."""
        if self._agent is not None:
            self._agent[1].close()
            self._agent = None

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
        kind = member("metrics", case.claim.metric).KIND
        measure = {"items": self._items, "timed": self._timed, "static": self._static}[kind]
        result = measure(case, setup)
        return dataclasses.replace(result, steps={**steps, **result.steps})

    def _against_baseline(self, result: Result) -> Result:
        from pytest_mlmodelscope.record.baseline import Baselines, baseline_of
        from pytest_mlmodelscope.record.case import case_record, conditions
        from pytest_mlmodelscope.verdict import baseline

        if self.settings.baselines is None or result.measurement is None:
            return result
        case, kept = result.case, Baselines(self.settings.baselines)
        machine = member("targets", case.target).probe().machine_class
        if self.settings.record:
            kept.put(machine, baseline_of(case_record(result), baseline.noise(result.measurement)))
            return result
        key = baseline.Key(conditions(case.claim), case.model.digest, result.data_digest)
        compared = baseline.compare(case.claim, result.measurement, key, kept.get(machine, case.id))
        return dataclasses.replace(result, baseline=compared)

    def _set_up(self, case: Case) -> tuple[_Setup, dict[str, float]]:
        from pytest_mlmodelscope.targets import require

        machine = member("targets", case.target).probe()
        require(machine, case.claim.conditions.hardware)
        started = time.perf_counter()
        files = {name: self._fetcher.fetch(asset) for name, asset in case.model.assets.items()}
        fetched = time.perf_counter()
        environment = self._environments.obtain(case.framework, case.requirement)
        steps = {"fetch_model": fetched - started, "environment": time.perf_counter() - fetched}
        return _Setup(machine, files, environment), steps

    # -- figures over items ---------------------------------------------------------------

    def _items(self, case: Case, setup: _Setup) -> Result:
        predicted = self._predict(case, setup)
        measurement = measure_items(case, predicted.predictions, predicted.references, predicted.available)
        return Result(
            case,
            judge(case.claim, measurement),
            measurement,
            steps=predicted.steps,
            software=predicted.software,
            predictions=predicted.kept,
            data_digest=case.dataset.digest if case.dataset else None,
        )

    def _predict(self, case: Case, setup: _Setup) -> _Predicted:
        data = (case.dataset and case.dataset.digest, _split(case).name, self._sample_size(case))
        key = (*_worker_key(case, setup), *data)
        if key not in self._predicted:
            self._predicted[key] = self._predict_now(case, setup)
        return self._predicted[key]

    def _predict_now(self, case: Case, setup: _Setup) -> _Predicted:
        from pytest_mlmodelscope.store import predictions as store

        started = time.perf_counter()
        items = self._read(case, _split(case))
        available = len(items)
        items = sampled(items, self._sample_size(case))
        read = time.perf_counter()
        agent, software = self._worker(case, setup)
        opened = time.perf_counter()
        found, busy = self._stream(case, setup, agent, items)
        references = [item.label for item in items]
        ids = [item.id for item in items]
        kept = store.keep(self.cache.root / "predictions", ids, found, references)
        steps = {
            "read_data": read - started,
            "open_model": opened - read,
            "predict": time.perf_counter() - opened,
            "predict_in_worker": busy,
        }
        return _Predicted(ids, found, references, kept, software, steps, available)

    def _sample_size(self, case: Case) -> int | None:
        """The fewest of what the user and the claim want evaluated; None is everything."""
        wanted = [case.claim.dataset.items if case.claim.dataset else None, self.settings.sample]
        return min((count for count in wanted if count is not None), default=None)

    def _read(self, case: Case, split: Split) -> list[Item]:
        assert case.dataset is not None  # expand refuses a claim over items without one
        files = {name: self._fetcher.fetch(asset) for name, asset in case.dataset.assets.items()}
        items = list(member("datasets", split.reader).read(files, split.options))
        if split.exclude_labels:
            items = [item for item in items if str(item.label) not in split.exclude_labels]
        if len(items) != split.items:
            raise MlmsError(
                f"the split {split.name} of {case.dataset.name} does not hold what its manifest says",
                where=split.where,
                expected=f"{split.items:,} items",
                got=f"{len(items):,} items",
                hint="correct `items`, or the reader's options",
            )
        return items

    def _stream(self, case: Case, setup: _Setup, agent: Agent, items: Sequence[Item]) -> tuple[list[Any], float]:
        from pytest_mlmodelscope.manifest.pipeline import Decision, Preparation

        preparation = Preparation(_inputs(case), setup.files)
        decision = Decision(_outputs(case), setup.files, preparation.batched)
        size = preparation.batch_size(case.claim.conditions.batch)
        batches = [items[start : start + size] for start in range(0, len(items), size)]
        found: list[Any] = []
        busy = 0
        for outputs, spent in agent.predict_stream(preparation.tensors(batch) for batch in batches):
            count = min(size, len(items) - len(found))
            found.extend(decision.predictions(outputs, count))
            busy += spent
            self.settings.progress(f"{case.id}: {len(found):,} of {len(items):,} items")
        return found, busy / 1e9

    # -- timed figures --------------------------------------------------------------------

    def _timed(self, case: Case, setup: _Setup) -> Result:
        from filelock import FileLock

        self.close()
        samples, overhead = self._timed_samples(case, setup)
        lock = self.cache.root / "locks" / "timed.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):  # two timed cases at once would time each other
            runs = list(self._process_runs(case, setup, samples, overhead))
        measurement = measure_runs(case, [evidence for evidence, _ in runs])
        latencies = tuple(round(value * 1e9) for evidence, _ in runs for value in evidence.latencies_s)
        return Result(
            case,
            judge(case.claim, measurement),
            measurement,
            timings_ns=latencies,
            software=runs[-1][1],
            data_digest=case.dataset.digest if case.dataset else None,
        )

    def _timed_samples(self, case: Case, setup: _Setup) -> tuple[list[Any], list[float]]:
        """Prepared queries, and the seconds that pre- and post-processing add to each."""
        from pytest_mlmodelscope.manifest.pipeline import Decision, Preparation

        preparation = Preparation(_inputs(case), setup.files)
        decision = Decision(_outputs(case), setup.files, preparation.batched)
        batch = preparation.batch_size(case.claim.conditions.batch or 1)
        items = sampled(self._read(case, _split(case)), TIMED_QUERIES * batch)
        groups = [items[at : at + batch] for at in range(0, len(items) - batch + 1, batch)]
        if not groups:
            raise MlmsError(f"a batch of {batch} needs as many items", got=f"{len(items)} items in {_split(case).name}")
        samples = [preparation.tensors(group) for group in groups]
        if case.claim.conditions.measures == "model":
            return samples, [0.0] * len(samples)
        agent, _ = self._worker(case, setup)
        overhead = []
        for group, sample in zip(groups, samples, strict=True):
            outputs, _ = agent.predict(sample)
            started = time.perf_counter()
            preparation.tensors(group)
            decision.predictions(outputs, len(group))
            overhead.append(time.perf_counter() - started)
        self.close()
        return samples, overhead

    def _process_runs(
        self, case: Case, setup: _Setup, samples: list[Any], overhead: Sequence[float]
    ) -> Iterator[tuple[TimedEvidence, Mapping[str, Any]]]:
        import numpy as np

        conditions = case.claim.conditions
        for number in range(conditions.runs):
            self.settings.progress(f"{case.id}: process run {number + 1} of {conditions.runs}")
            agent, software = self._worker(case, setup)
            timings = agent.load(conditions.scenario, samples, _load_settings(case, samples))
            peak = int(agent.stats()["peak_bytes"])
            self.close()
            latencies = np.asarray(timings["latencies_ns"], dtype=float) / 1e9
            added = np.resize(np.asarray(overhead), len(latencies))
            yield (
                TimedEvidence(
                    latencies_s=latencies + added,
                    wall_s=timings["wall_ns"] / 1e9 + float(added.sum()),
                    samples=timings["samples"],
                    percentile=conditions.percentile,
                    peak_bytes=peak,
                ),
                software,
            )

    # -- figures of the model itself ------------------------------------------------------

    def _static(self, case: Case, setup: _Setup) -> Result:
        metric = member("metrics", case.claim.metric)
        roles = case.framework.assets.values()
        size = sum(case.model.assets[name].size for name in roles)
        _, software = self._worker(case, setup)
        evidence = StaticEvidence(size, software.get("parameters"))
        value = metric.compute(evidence, case.claim.metric_options) * factor(metric.BASE_UNIT, case.claim.unit)
        measurement = Measurement(value, case.claim.unit, 1, intervals.whole(value), census=True, kind="static")
        return Result(case, judge(case.claim, measurement), measurement, software=software)

    # -- workers --------------------------------------------------------------------------

    def _worker(self, case: Case, setup: _Setup) -> tuple[Agent, Mapping[str, Any]]:
        """An open worker for a case: the last one where it fits, else a new one."""
        from pytest_mlmodelscope.agent.agent import Agent, Limits

        key = _worker_key(case, setup)
        if self._agent is not None and self._agent[0] == key:
            return self._agent[1], self._agent[2]
        self.close()
        agent = Agent(setup.environment, self.settings.limits or Limits())
        try:
            software = agent.open(_open_request(case, setup), case.framework.name)
            self._fit(case, setup, agent)
        except BaseException:
            agent.close()
            raise
        self._agent = (key, agent, software)
        return agent, software

    def _fit(self, case: Case, setup: _Setup, agent: Agent) -> None:
        from pytest_mlmodelscope.manifest.pipeline import Preparation

        fit = case.framework.options.get("fit")
        if fit is None or case.dataset is None:
            return
        split = case.dataset.splits.get(fit.get("split", "train"))
        if split is None:
            raise MlmsError(f"{case.dataset.name} has no split to train on", hint=f'add "{fit.get("split", "train")}"')
        items = self._read(case, split)
        self.settings.progress(f"{case.id}: training on {len(items):,} items")
        agent.fit(Preparation(_inputs(case), setup.files).tensors(items), [item.label for item in items])


def sampled(items: list[Item], count: int | None) -> list[Item]:
    """A fixed random sample, in the published order: the same on every machine."""
    if count is None or count >= len(items):
        return items
    chosen = random.Random(20_170_601).sample(range(len(items)), count)  # noqa: S311  # not a secret
    return [items[index] for index in sorted(chosen)]


def measure_items(case: Case, predictions: Sequence[Any], references: Sequence[Any], available: int) -> Measurement:
    """The figure over items with its interval; ``available`` is the size of the split."""
    claim = case.claim
    metric = member("metrics", claim.metric)
    scale = factor(metric.BASE_UNIT, claim.unit)
    evidence = ItemEvidence(predictions, references)
    value = metric.compute(evidence, claim.metric_options) * scale
    n = len(predictions)
    census = n == available and claim.dataset is not None and claim.dataset.relation == "same"
    interval = intervals.whole(value) if census else _sample_interval(case, metric, evidence, available, scale)
    failed = sum(prediction is None for prediction in predictions)
    return Measurement(value, claim.unit, n, interval, census, failed)


def _sample_interval(case: Case, metric: Any, evidence: ItemEvidence, available: int, scale: float) -> Interval:
    import numpy as np

    options, n = case.claim.metric_options, len(evidence.predictions)
    if hasattr(metric, "hits"):
        right = round(float(metric.compute(evidence, options)) * n)
        found = _proportion_interval(case, right, n, available)
    else:

        def resampled(chosen: Any) -> float:
            rows = ItemEvidence([evidence.predictions[i] for i in chosen], [evidence.references[i] for i in chosen])
            return float(metric.compute(rows, options))

        with np.errstate(all="ignore"):
            found = intervals.bootstrap(resampled, n)
    return dataclasses.replace(found, low=found.low * scale, high=found.high * scale)


def _proportion_interval(case: Case, right: int, n: int, available: int) -> Interval:
    use = case.claim.dataset
    if use is not None and use.relation == "same":
        return intervals.hypergeometric(right, n, available)
    if use is not None and use.relation == "sample" and use.published_items:
        return intervals.hypergeometric(right, n, max(use.published_items, n))
    return intervals.clopper_pearson(right, n)


def measure_runs(case: Case, runs: Sequence[TimedEvidence]) -> Measurement:
    """A timed figure: one value for each process run, their geometric mean and its interval."""
    claim = case.claim
    metric = member("metrics", claim.metric)
    scale = factor(metric.BASE_UNIT, claim.unit)
    figures = tuple(metric.compute(evidence, claim.metric_options) * scale for evidence in runs)
    value = math.exp(sum(math.log(figure) for figure in figures) / len(figures))
    queries = sum(len(evidence.latencies_s) for evidence in runs)
    return Measurement(value, claim.unit, queries, intervals.process_runs(figures), runs=figures, kind="timed")


def _split(case: Case) -> Split:
    assert case.dataset is not None  # expand refuses a claim that needs data and names none
    assert case.claim.dataset is not None
    return case.dataset.splits[case.claim.dataset.split]


def _inputs(case: Case) -> Sequence[Any]:
    return case.framework.inputs or case.model.inputs


def _outputs(case: Case) -> Sequence[Any]:
    return case.framework.outputs or case.model.outputs


def _worker_key(case: Case, setup: _Setup) -> tuple[Any, ...]:
    conditions = case.claim.conditions
    trained_on = case.dataset.digest if case.dataset and "fit" in case.framework.options else None
    return (
        setup.environment.key, case.framework.name, case.model.digest, setup.machine.device,
        conditions.threads, conditions.precision, conditions.batch, trained_on,
    )  # fmt: skip


def _open_request(case: Case, setup: _Setup) -> Any:
    conditions = case.claim.conditions
    return {
        "files": {role: str(setup.files[name]) for role, name in case.framework.assets.items()},
        "options": dict(case.framework.options),
        "inputs": [{"name": i.name, "dtype": i.dtype, "shape": list(i.shape)} for i in _inputs(case)],
        "outputs": [{"name": o.name, "dtype": o.dtype, "shape": list(o.shape)} for o in _outputs(case)],
        "threads": conditions.threads,
        "device": setup.machine.device,
        "precision": conditions.precision,
    }


def _load_settings(case: Case, samples: Sequence[Any]) -> Any:
    # The tail of a percentile needs queries: at least ten beyond it (LoadGen asks for more, which
    # the scenarios' own rules will see to).
    tail = 1 - case.claim.conditions.percentile / 100
    least = max(100, math.ceil(10 / max(tail, 1e-4)))
    seconds = case.claim.conditions.seconds
    return {
        "warmup": 10,
        "min_queries": least,
        "min_seconds": seconds,
        "max_seconds": max(30.0, 10 * seconds),
        "samples": len(samples),
        "batch": case.claim.conditions.batch or 1,
    }

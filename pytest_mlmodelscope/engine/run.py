"""The only wiring: from a case to its result."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_mlmodelscope.claim.expand import Requirement, kind_of, other_framework, requirement, usual_targets
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, MlmsError, NotApplicable, OfflineError, UsageError
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.result import BaselineComparison, Case, Result, Verdict
from pytest_mlmodelscope.engine.bench import Bench, Settings, judged
from pytest_mlmodelscope.engine.evaluating import Evaluator
from pytest_mlmodelscope.engine.sut import Sut, require_processor
from pytest_mlmodelscope.engine.timing import time_case
from pytest_mlmodelscope.interfaces.metric import CountedEvidence, DeviceEvidence, StaticEvidence
from pytest_mlmodelscope.verdict import baseline, disturbance, measure
from pytest_mlmodelscope.verdict.together import corrected

if TYPE_CHECKING:
    from pytest_mlmodelscope.engine.checking import Compared, Side

__all__ = ["Engine", "Settings"]


class Engine:
    """Verifies cases one after another, and keeps what they share: files, environments, the last
    worker, predictions. Close it (or use it as a context manager) to end the worker.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._bench = Bench(self.settings)
        self._evaluator = Evaluator(self._bench)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker that is still open."""
        self._bench.close()

    def verify(self, case: Case) -> Result:
        """Measure a case and judge it. Whatever goes wrong is a verdict too, never an exception,
        save for mistakes in this program itself.
        """
        started = time.perf_counter()
        try:
            result = self._against_baseline(self.measure(case))
        except (NotApplicable, EnvironmentUnavailable, OfflineError) as error:
            result = Result(case, Verdict("not_applicable", str(error)))
        except MlmsError as error:
            self.close()  # a worker that failed once is not asked again
            result = Result(case, Verdict("error", str(error)))
        return dataclasses.replace(result, seconds=time.perf_counter() - started)

    def at_hand(self, case: Case) -> Sut:
        """The case with its files and its environment, where nothing has to be built, fetched or made for it.

        Raises:
            NotApplicable, EnvironmentUnavailable, AssetError: as ``Bench.at_hand`` does.
        """
        return self._bench.at_hand(case)

    def explain(self, result: Result, seconds: float) -> Result:
        """The result of a figure over items with what explains it, as far as it is found in this time.

        Raises:
            UsageError: it has no figure over items.
        """
        from pytest_mlmodelscope.engine.explaining import explain_case

        started = time.perf_counter()
        try:
            cause = explain_case(self._bench, result, seconds)
        except UsageError:
            raise
        except MlmsError as error:
            self.close()
            cause = {"explained": False, "sentence": f"the cause could not be looked for: {error.what}"}
        spent = time.perf_counter() - started
        return dataclasses.replace(result, cause=cause, seconds=result.seconds + spent)

    def measure(self, case: Case) -> Result:
        """Measure a case, and judge it as one among those of the session; nothing is compared with a baseline.

        Raises:
            NotApplicable, EnvironmentUnavailable, OfflineError: it cannot run here.
            MlmsError: anything else that is wrong with it.
        """
        sut, steps = self._bench.set_up(case)
        of_kind: dict[str, Callable[[Sut], Result]] = {
            "items": self._evaluator.items,
            "outputs": self._evaluator.outputs,
            "timed": self._timed,
            "static": self._static,
            "device": self._device,
            "counted": self._counted,
            "check": self._check,
        }
        result = self._corrected(of_kind[kind_of(case.claim)](sut))
        evidence = sut.evidence(result.software)
        steps = {**steps, **result.steps}
        return dataclasses.replace(result, machine=sut.machine.identity, evidence=evidence, steps=steps)

    def _corrected(self, result: Result) -> Result:
        """The result as one among those of the session."""
        if result.measurement is None:
            return result
        error, claims = self.settings.error, self.settings.claims
        verdict = corrected(result.verdict, result.case.claim, result.measurement, error, claims)
        return dataclasses.replace(result, verdict=verdict)

    def _against_baseline(self, result: Result) -> Result:
        from pytest_mlmodelscope.record.baseline import Baselines, baseline_of
        from pytest_mlmodelscope.record.case import case_record, conditions

        if self.settings.baselines is None or result.measurement is None or result.measurement.kind == "check":
            return result
        if "aa" in result.timing:
            return result  # it was measured to test the gate
        kept, machine = Baselines(self.settings.baselines), result.machine["machine_class"]
        case = _as_there(result.case)
        if self.settings.record:
            if hindered := _hindered(result):
                return dataclasses.replace(result, baseline=BaselineComparison("none", f"not recorded: {hindered}"))
            if math.isfinite(result.measurement.value):
                there = case_record(dataclasses.replace(result, case=case))
                kept.put(machine, baseline_of(there, baseline.noise(result.measurement)))
            return result
        key = baseline.Key(conditions(case.claim), case.model.digest, result.data_digest)
        compared = baseline.compare(case.claim, result.measurement, key, kept.get(machine, case.id))
        runs, marked = len(result.measurement.runs), disturbance.marked(result.watched)
        compared = disturbance.weighed_baseline(case.claim, compared, runs, marked)
        return dataclasses.replace(result, baseline=compared)

    # -- timed figures ----------------------------------------------------------------------

    def _timed(self, sut: Sut) -> Result:
        from pytest_mlmodelscope.engine.comparing import time_against, time_itself

        if sut.stages and self.settings.aa:
            raise NotApplicable(f"{sut.case.model.name} is a pipeline, which is not timed against itself")
        if self.settings.aa:
            return time_itself(self._bench, sut, self.settings.margin, self.settings.aa)
        if self.settings.against is None:
            return time_case(self._bench, sut)
        try:
            return time_against(self._bench, sut, self._reference(sut), self.settings.margin)
        except (NotApplicable, EnvironmentUnavailable, OfflineError) as error:
            result = time_case(self._bench, sut)
            missing = {"word": None, "against": self.settings.against, "text": f"not compared: {error}"}
            return dataclasses.replace(result, timing={**result.timing, "comparison": missing})

    def _reference(self, sut: Sut) -> Sut:
        """The same model on the stack that timed cases are compared with."""
        use = requirement(str(self.settings.against))
        if sut.stages:
            raise NotApplicable(f"{sut.case.model.name} is a pipeline, and only single models run side by side")
        if use.name not in sut.case.model.frameworks:
            raise NotApplicable(f"the model {sut.case.model.name} has no framework {use.name}")
        return self._second(sut, use)

    def _second(self, sut: Sut, use: Requirement) -> Sut:
        """The same model on another framework, or on another version of its own."""
        framework = sut.case.model.frameworks[use.name]
        beside = self._bench.set_up(dataclasses.replace(sut.case, framework=framework, requirement=use.version))[0]
        if (use.name, beside.environment.version) == (sut.case.framework.name, sut.environment.version):
            raise NotApplicable(f"both are {use.name} {beside.environment.version}: nothing to compare")
        return beside

    # -- figures of the model itself ------------------------------------------------------

    def _static(self, sut: Sut) -> Result:
        software = self._bench.worker(sut).software
        measurement = measure.of_model(sut.case.claim, StaticEvidence(sut.file_bytes, _parameters(software)))
        return judged(sut, measurement, software)

    def _device(self, sut: Sut) -> Result:
        worker = self._bench.worker(sut)
        figures = worker.agent.count(member("metrics", sut.case.claim.metric).FIGURES, self._bench.query(sut))
        self._bench.keep_built(sut, worker.agent)
        measurement = measure.of_model(sut.case.claim, DeviceEvidence(figures))
        return dataclasses.replace(judged(sut, measurement, worker.software), steps=_seconds(figures))

    # -- instructions ---------------------------------------------------------------------

    def _counted(self, sut: Sut) -> Result:
        require_processor(sut.machine)
        if sut.machine.nature == "emulated":
            sut = self._counting(sut)
        inputs = self._bench.query(sut)
        calls: list[int] = []
        software: Mapping[str, Any] = {}
        for number in range(sut.case.claim.conditions.runs):
            worker = self._bench.worker(sut.laid_out(number))
            software = worker.software
            calls += worker.agent.instructions(inputs)
        return judged(sut, measure.of_calls(sut.case.claim, CountedEvidence(calls)), software)

    def _counting(self, sut: Sut) -> Sut:
        """The same with an emulator that counts."""
        from pytest_mlmodelscope.agent.counter import counting

        found = counting(sut.environment, self.settings.progress, self.settings.offline)
        return dataclasses.replace(sut, environment=found)

    # -- checks ---------------------------------------------------------------------------

    def _check(self, sut: Sut) -> Result:
        from pytest_mlmodelscope.engine.auditing import audit_case
        from pytest_mlmodelscope.engine.checking import Pair, check_case

        if hasattr(member("checks", sut.case.claim.metric), "audit"):
            return audit_case(self._bench, sut)
        beside = self._beside(sut)
        compared = self._compared(sut, beside)
        try:
            own = self._side(sut, sut.worker_key, 2)
            other = None if beside is None else self._side(beside, (*beside.worker_key, "beside"), 2)
            items = partial(self._bench.some_items, sut)
            return check_case(sut.case, Pair.of(own, other), self._bench.cache.root, items, compared)
        finally:
            if beside is not None:
                self.close()  # two workers are one too many for whoever comes next

    def _beside(self, sut: Sut) -> Sut | None:
        """What stands beside the model: itself in a process of its own, or on another framework."""
        other = other_framework(sut.case.claim)
        if other is None:
            return sut if member("checks", sut.case.claim.metric).BESIDE == "process" else None
        return self._second(sut, other)

    def _compared(self, sut: Sut, beside: Sut | None) -> Compared:
        """What two frameworks gave for the items of the claim's dataset, where it has one."""
        from pytest_mlmodelscope.engine.checking import Compared, compare_items

        if sut.case.dataset is None or beside is None or beside is sut:
            return Compared()
        one, other = self._evaluator.predict(sut).answers(), self._evaluator.predict(beside).answers()
        return compare_items(sut.case, self._bench.some_items(sut), one, other)

    def _side(self, sut: Sut, key: tuple[Any, ...], room: int) -> Side:
        from pytest_mlmodelscope.engine.checking import Side

        framework, model = sut.case.framework, sut.case.model
        return Side(self._bench.worker(sut, key, room), framework.inputs or model.inputs, *sut.pipeline())


def _as_there(case: Case) -> Case:
    """The case as a run on the machine itself has it, whatever the address by which it is reached from here."""
    if "://" not in case.target:
        return case
    return dataclasses.replace(case, target=usual_targets(case.claim)[0])


def _hindered(result: Result) -> str:
    """Why a figure makes no baseline, if anything speaks against it."""
    if result.watched.get("throttled"):
        return "the device was slowed down while it was timed"
    marked, measurement = disturbance.marked(result.watched), result.measurement
    if not marked or measurement is None or not disturbance.slows(result.case.claim):
        return ""
    return disturbance.told(marked, len(measurement.runs))


def _parameters(software: Mapping[str, Any]) -> int | None:
    """How many trained values a model has, a pipeline in all of its stages; None where a framework cannot tell."""
    counted = [_parameters(stage) for stage in software.get("stages", {}).values()]
    if not counted:
        return software.get("parameters")
    return None if None in counted else sum(count for count in counted if count is not None)


def _seconds(figures: Mapping[str, float]) -> dict[str, float]:
    """The seconds of what a predictor did to find its figures."""
    mark = "seconds_of_"
    return {name.removeprefix(mark): value for name, value in figures.items() if name.startswith(mark)}

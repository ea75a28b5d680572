"""The system under test: a case with the machine, the files and the environment that it runs in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_mlmodelscope.agent.engines import key_of
from pytest_mlmodelscope.claim.expand import kind_of
from pytest_mlmodelscope.core.claim import NOTHING
from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.core.framework import framework_spec
from pytest_mlmodelscope.core.manifest import Input, Output, Split, Stage
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.result import Case
from pytest_mlmodelscope.engine.staged import Whole
from pytest_mlmodelscope.interfaces.predictor import OpenRequest
from pytest_mlmodelscope.interfaces.target import Machine
from pytest_mlmodelscope.manifest.data import texts
from pytest_mlmodelscope.manifest.pipeline import Decision, Preparation
from pytest_mlmodelscope.manifest.stages import front
from pytest_mlmodelscope.worker.counting import LAYOUT, LAYOUT_STEP

if TYPE_CHECKING:
    from pytest_mlmodelscope.agent.environment import Environment


@dataclass(frozen=True, slots=True)
class Sut:
    """A case, the machine that it runs on, the model's files there, and the framework's environment.

    Of a pipeline ``stages`` are the same of each stage by its name, and the environment is that of the stage whose
    decisions are the answer.
    """

    case: Case
    machine: Machine
    files: Mapping[str, Path]
    environment: Environment
    stages: Mapping[str, Sut] = field(default_factory=lambda: NOTHING)

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
        if self.stages:
            return Whole(), Decision(model.outputs, self.files, batched=True)
        before = Preparation(framework.inputs or model.inputs, self.files)
        return before, Decision(framework.outputs or model.outputs, self.files, before.batched)

    @property
    def worker_key(self) -> tuple[Any, ...]:
        """What two cases must share to be answered by one worker."""
        case, conditions = self.case, self.case.claim.conditions
        trained_on = case.dataset.digest if case.dataset and "fit" in case.framework.options else None
        machine = (self.machine.device, *self.machine.variables.items())
        chosen = (conditions.threads, conditions.precision, conditions.batch)
        own = (self.environment.key, case.framework.name, case.model.digest, machine, *chosen, trained_on)
        return (*own, *(stage.worker_key for stage in self.stages.values()))

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The tensors that are made of an item, of a pipeline those of the first stage that takes the item."""
        case = self.case
        return front(case.model, case.framework) if self.stages else case.framework.inputs or case.model.inputs

    @property
    def first(self) -> Sut:
        """What is asked about the item itself: of a pipeline the first stage that is, else this one."""
        name = next((stage.name for stage in self.case.model.stages if stage.of is None), None)
        return self if name is None else self.stages[name].first

    @property
    def workers(self) -> int:
        """How many workers are open at once when it is asked."""
        return sum(stage.workers for stage in self.stages.values()) or 1

    @property
    def file_bytes(self) -> int:
        """The size of the files that the framework loads, of a pipeline those of all stages."""
        assets = self.case.model.assets
        own = sum(assets[name].size for name in self.case.framework.assets.values())
        return own + sum(stage.file_bytes for stage in self.stages.values())

    @property
    def engine_key(self) -> str:
        """What two workers must share to use what one of them built: model, framework, device and precision."""
        framework, machine = self.case.framework, self.machine
        files = {role: self.case.model.assets[name].sha256 for role, name in framework.assets.items()}
        facts = [machine.facts.get(name) for name in ("driver", "compute_capability")]
        software, precision = dict(self.environment.packages), self.case.claim.conditions.precision
        return key_of(files, framework.name, software, machine.machine_class, machine.name, facts, precision)

    @property
    def engine(self) -> str:
        """The same in words."""
        case = self.case
        what = f"{case.framework.name} engine of {case.model.name}"
        return f"{what}, {case.claim.conditions.precision}, for {self.machine.name}"

    def open_request(self) -> OpenRequest:
        """What a worker is told when it is to load the model."""
        case, conditions = self.case, self.case.claim.conditions
        framework, model = case.framework, case.model
        return {
            "files": {role: str(self.files[name]) for role, name in framework.assets.items()},
            "options": dict(framework.options),
            "inputs": [_tensor(spec) for spec in framework.inputs or model.inputs],
            "outputs": [_tensor(spec) for spec in framework.outputs or model.outputs],
            "threads": conditions.threads,
            "device": self.machine.device,
            "machine": self.machine.name,
            "precision": conditions.precision,
        }

    def laid_out(self, number: int) -> Sut:
        """The same with a memory that is laid out otherwise, as it is where paths have other lengths."""
        env = self.environment
        variables = {**env.variables, LAYOUT: "x" * LAYOUT_STEP * number}
        return replace(self, environment=replace(env, key=f"{env.key}-layout-{number}", variables=variables))

    def evidence(self, software: Mapping[str, Any]) -> str:
        """What a figure rests on where that is not the hardware itself: simulated, placed and routed..."""
        claim, of_figures = self.case.claim, software.get("evidence", {})
        figures = member("metrics", claim.metric).FIGURES if kind_of(claim) == "device" else ()
        told = [of_figures[name] for name in figures if name in of_figures]
        nature = self.machine.nature
        # Of several figures the last is the one that the others are brought to, as cycles to a clock.
        return str(told[-1]) if told else "" if nature == "hardware" else nature


def _tensor(spec: Any) -> dict[str, Any]:
    return {"name": spec.name, "dtype": spec.dtype, "shape": list(spec.shape)}


def assets_used(case: Case) -> list[str]:
    """What this framework loads and its steps name: a model may have the files of many frameworks."""
    framework, model = case.framework, case.model
    specs: list[Input | Output | Stage] = [
        *model.stages,
        *(framework.inputs or model.inputs),
        *(framework.outputs or model.outputs),
    ]
    named = {text for spec in specs for step in spec.steps for text in texts(step.options)}
    return [name for name in model.assets if name in named or name in framework.assets.values()]


def stage_case(case: Case, stage: Stage) -> Case:
    """One stage of a pipeline's case as a case of its own: under the same conditions, on its framework.

    It has no data of its own, since it is asked about what other stages decide.
    """
    use = case.framework.of(stage)
    requirement = case.requirement if use.name == case.framework.name else ""
    return replace(case, model=stage.model, framework=use, requirement=requirement, dataset=None)


def require(case: Case, machine: Machine) -> None:
    """Refuse a case that cannot run on a machine, before anything is fetched for it.

    Raises:
        NotApplicable: the framework does not drive the device, or its clock says nothing.
    """
    _require_device(case, machine)
    _require_clock(case, machine)


def require_files(case: Case) -> None:
    """Refuse a model whose files nobody has.

    Raises:
        NotApplicable: its manifest says where they are instead.
    """
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


def require_processor(machine: Machine) -> None:
    """Refuse a device whose instructions nobody counts.

    Raises:
        NotApplicable: it is no processor.
    """
    if machine.device != "cpu":
        raise NotApplicable(
            f"the instructions of {machine.name} are not counted, those of a processor are",
            expected="a processor",
            got=machine.device,
            hint="give the claim `hardware: {device: cpu}`",
        )

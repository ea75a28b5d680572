"""From claims to cases: claim x framework x target."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from pytest_mlmodelscope.core.claim import Claim, Measures
from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError, UsageError, did_you_mean
from pytest_mlmodelscope.core.manifest import DatasetManifest, FrameworkUse, ModelManifest
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.core.result import Case
from pytest_mlmodelscope.interfaces.metric import Kind
from pytest_mlmodelscope.manifest.load import Catalogue
from pytest_mlmodelscope.manifest.placing import mixed
from pytest_mlmodelscope.targets import named

#: How the frameworks of a pipeline's stages are written.
_OF_STAGES: Final = re.compile(r"[\w-]+=[\w-]+(\+[\w-]+=[\w-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A framework by name, with a version specifier where one was given.

    Of a pipeline it may be one for each of its ``stages``, by their names; then ``name`` is what was written.
    """

    name: str
    version: str = ""
    stages: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """What the user asked for; empty means everything that a claim admits."""

    frameworks: tuple[Requirement, ...] = ()
    targets: tuple[str, ...] = ()


def requirement(text: str) -> Requirement:
    """Split ``pytorch>=2`` into its name and its version specifier, ``find=onnxruntime+read=openvino`` into stages."""
    if _OF_STAGES.fullmatch(text.strip()):
        pairs = (part.partition("=") for part in text.strip().split("+"))
        return Requirement(text.strip(), stages=tuple((stage, framework) for stage, _, framework in pairs))
    match = re.match(r"\s*([A-Za-z0-9_-]+)\s*(.*?)\s*$", text)
    if match is None:
        raise UsageError(f'"{text}" is not a framework', hint="a name, or a name and a version such as pytorch>=2")
    return Requirement(match[1], match[2].replace(" ", ""))


def selection(frameworks: Iterable[str] = (), targets: Iterable[str] = ()) -> Selection:
    """A selection from what a user typed.

    Raises:
        UsageError: an unknown framework or target, with the nearest name.
    """
    chosen = tuple(requirement(text) for text in frameworks)
    _refuse_unknown_frameworks(name for one in chosen for name in frameworks_of(one))
    wanted = tuple(targets)
    for name in wanted:
        named(name)
    return Selection(chosen, wanted)


def frameworks_of(use: Requirement) -> tuple[str, ...]:
    """The names of the frameworks: one, or those of the stages of a pipeline."""
    return tuple(framework for _, framework in use.stages) or (use.name,)


def _refuse_unknown_frameworks(given: Iterable[str]) -> None:
    known = names("frameworks")
    for name in given:
        if name not in known:
            raise UsageError(f'no framework is called "{name}"', hint=did_you_mean(name, known))


def expand(claim: Claim, catalogue: Catalogue, chosen: Selection = Selection()) -> list[Case]:
    """Every case of one claim that the user asked for.

    Raises:
        DocumentError: the claim names a model, dataset, split or framework that is not there.
    """
    at = f"{shown_path(claim.path)}:{claim.line}"
    model = catalogue.model(claim.model, at)
    dataset = _dataset(claim, model, catalogue, at)
    if model.stages:
        _refuse_of_pipelines(claim, model, at)
    admitted = _frameworks(claim, _able(claim, model, at), at)
    _refuse_mixtures(model, admitted, at)
    if claim.group == "checks" and dataset is None:
        _refuse_undrawable(claim, model, admitted, at)
    return [
        Case(claim, model, use_of(model, use), target, dataset, use.version)
        for use in _chosen(model, admitted, chosen)
        for target in _targets(claim, chosen)
    ]


def _refuse_mixtures(model: ModelManifest, uses: Iterable[Requirement], at: str) -> None:
    """Refuse frameworks of stages that the claim's pipeline cannot run on."""
    try:
        for use in uses:
            use_of(model, use)
    except UsageError as error:
        raise DocumentError(error.what, where=at, got=error.got, hint=error.hint) from None


#: Why a claim of some kind cannot be about a pipeline.
_OF_SINGLE: Final = {
    "check": "a check draws tensors, and a pipeline takes none",
    "outputs": "its figure is one over the numbers that a framework gives, and a pipeline gives decisions",
    "device": "its figure is one of a device, and a pipeline's stages may be on several",
    "counted": "instructions are counted inside of one worker, and a pipeline has several",
}


def _refuse_of_pipelines(claim: Claim, model: ModelManifest, at: str) -> None:
    """Refuse what is said of single models only.

    Raises:
        DocumentError: the claim cannot be about a pipeline.
    """
    kind = kind_of(claim)
    if kind in _OF_SINGLE:
        stages = ", ".join(dict.fromkeys(stage.model.name for stage in model.stages))
        raise DocumentError(
            f"{claim.metric} is of single models, and {model.name} is a pipeline: {_OF_SINGLE[kind]}",
            where=at,
            hint=f"claim it of the models of its stages: {stages}",
        )
    if kind == "timed" and claim.conditions.measures != (wanted := measures_of_pipeline(claim.conditions.scenario)):
        raise DocumentError(
            f"a pipeline is timed with all that it does, also between its models, and {model.name} is one",
            where=at,
            expected=f"conditions: {{measures: {wanted}}}",
            got=claim.conditions.measures,
            hint=f"add `measures: {wanted}` to the claim's conditions",
        )


def measures_of_pipeline(scenario: str) -> Measures:
    """What is timed of a pipeline under a load: everything, save its last steps where only what is asked is timed."""
    able = getattr(member("scenarios", scenario), "MEASURES", get_args(Measures))
    return "end_to_end" if "end_to_end" in able else "model"


def admitted(claim: Claim, model: ModelManifest) -> tuple[Requirement, ...]:
    """The frameworks of its model that a claim is about, whatever the user asked for.

    Raises:
        DocumentError: it names one that the model does not have.
    """
    at = f"{shown_path(claim.path)}:{claim.line}"
    return _frameworks(claim, _able(claim, model, at), at)


def kind_of(claim: Claim) -> Kind | Literal["check"]:
    """What a claim's figure rests on: items, timings, the model's own facts; or a check."""
    if claim.group == "checks":
        return "check"
    kind: Kind = member("metrics", claim.metric).KIND
    return kind


def left_to_chance(case: Case, sample: int | None, sequential: bool) -> bool:
    """Whether another sample, or another run, could lead to another verdict: a timed figure, or one over some items
    only, of at most ``sample`` or of as many as decide.
    """
    claim, kind = case.claim, kind_of(case.claim)
    if kind not in ("items", "outputs") or claim.dataset is None or case.dataset is None:
        return kind == "timed"
    if claim.dataset.relation != "same":
        return claim.dataset.relation == "sample"
    if sequential and hasattr(member("metrics", claim.metric), "hits"):
        return True
    most = min((count for count in (claim.dataset.items, sample) if count is not None), default=None)
    return most is not None and most < case.dataset.splits[claim.dataset.split].items


def other_framework(claim: Claim) -> Requirement | None:
    """The framework that a check compares with; None where it compares with none."""
    if claim.group != "checks" or member("checks", claim.metric).BESIDE != "framework":
        return None
    return requirement(claim.metric_options["framework"])


def _able(claim: Claim, model: ModelManifest, at: str) -> tuple[Requirement, ...]:
    """The frameworks that the claim can be about, where it names none: not the one it compares with."""
    other = other_framework(claim)
    if other is not None and other.name not in model.frameworks:
        raise _no_framework(claim, other.name, tuple(model.frameworks), at)
    return tuple(use for use in map(Requirement, model.frameworks) if use != other)


def _refuse_undrawable(claim: Claim, model: ModelManifest, uses: Iterable[Requirement], at: str) -> None:
    for use in uses:
        inputs = model.frameworks[use.name].inputs or model.inputs
        without = [spec.name for spec in inputs if spec.domain is None and spec.constant is None]
        if without or not inputs:
            raise DocumentError(
                f"the check {claim.metric} has nothing to draw from: "
                + (f"the input {without[0]} has no domain" if without else "the model declares no inputs"),
                where=at,
                hint=f"add `domain:` to the input in {shown_path(model.path)}, or `dataset:` to the claim",
            )


def _dataset(claim: Claim, model: ModelManifest, catalogue: Catalogue, at: str) -> DatasetManifest | None:
    if claim.dataset is None:
        if model.elsewhere or kind_of(claim) in ("static", "device", "check"):
            return None
        raise DocumentError(f"the metric {claim.metric} needs data", where=at, hint='add "dataset:"')
    dataset = catalogue.dataset(claim.dataset.name, at)
    if claim.dataset.split not in dataset.splits:
        raise DocumentError(
            f'the dataset {dataset.name} has no split "{claim.dataset.split}"',
            where=at,
            hint=did_you_mean(claim.dataset.split, dataset.splits),
        )
    return dataset


def _frameworks(claim: Claim, able: tuple[Requirement, ...], at: str) -> tuple[Requirement, ...]:
    stated = tuple(requirement(text) for text in claim.conditions.frameworks)
    other = other_framework(claim)
    names_of_model = [use.name for use in able] + ([other.name] if other else [])
    for use in stated:
        if use.name not in names_of_model and not use.stages:
            raise _no_framework(claim, use.name, names_of_model, at)
    if other in (stated or able) or not (stated or able):
        raise DocumentError(
            f"the check {claim.metric} compares {other.name if other else ''} with itself",
            where=at,
            hint="name another framework of the model, or another version",
        )
    return stated or able


def _no_framework(claim: Claim, name: str, of_model: Iterable[str], at: str) -> DocumentError:
    return DocumentError(
        f'the model {claim.model} has no framework "{name}"', where=at, hint=did_you_mean(name, of_model)
    )


def use_of(model: ModelManifest, use: Requirement) -> FrameworkUse:
    """How a model is run on a framework, or the stages of a pipeline on several.

    Raises:
        UsageError: these cannot be the frameworks of its stages.
    """
    return mixed(model, use.stages) if use.stages else model.frameworks[use.name]


def _chosen(model: ModelManifest, admitted: Sequence[Requirement], chosen: Selection) -> Iterator[Requirement]:
    if not chosen.frameworks:
        yield from admitted
    for use in admitted:
        for asked in chosen.frameworks:
            if asked.name == use.name:
                both = ",".join(part for part in (use.version, asked.version) if part)
                yield replace(use, version=both)
    yield from _mixtures(model, admitted, chosen.frameworks)


def _mixtures(
    model: ModelManifest, admitted: Sequence[Requirement], chosen: Iterable[Requirement]
) -> Iterator[Requirement]:
    """Those of several frameworks that are of this pipeline's stages, and among those that its claim is about."""
    known = {stage.name for stage in model.stages}
    of_claim = {name for use in admitted for name in frameworks_of(use)}
    for asked in chosen:
        is_of_model = not known.isdisjoint(stage for stage, _ in asked.stages)
        if is_of_model and asked not in admitted and of_claim.issuperset(frameworks_of(asked)):
            yield asked


def _targets(claim: Claim, chosen: Selection) -> list[str]:
    if chosen.targets:
        return [name for name in chosen.targets if named(name).admits(claim.conditions.hardware)]
    return usual_targets(claim)


def usual_targets(claim: Claim) -> list[str]:
    """Where a claim is verified if nobody says otherwise: on one kind of target, or on none."""
    hardware = claim.conditions.hardware
    if not hardware.device and not hardware.arch:
        return ["cpu"]
    # Processors first: GPUs and FPGAs admit every architecture.
    return [name for name in ("cpu", "arm", "ppc", "gpu", "fpga") if member("targets", name).admits(hardware)][:1]

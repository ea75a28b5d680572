"""A pipeline of models, as a manifest declares it: its stages, checked one against the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from pytest_mlmodelscope.core.document import Document, Pointer
from pytest_mlmodelscope.core.errors import DocumentError, did_you_mean
from pytest_mlmodelscope.core.manifest import FrameworkUse, Input, ModelManifest, Output, Stage
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.interfaces.step import Kind
from pytest_mlmodelscope.manifest import kinds, sections

#: Finds the model of a name; the second argument is the ``file:line`` that asks for it.
Find = Callable[[str, str], ModelManifest]

#: What a stage is told to take where it takes what the pipeline is given.
ITEM: Final = "item"
#: Keys of a manifest that a pipeline does not have: its stages' models do.
_OF_STAGES: Final = ("frameworks", "inputs", "elsewhere")


def stages(document: Document, known: Mapping[str, object], find: Find) -> tuple[Stage, ...]:
    """The stages of a pipeline, in their order; ``known`` are the manifest's own assets.

    Raises:
        DocumentError: with the line of what is wrong.
    """
    for key in _OF_STAGES:
        if key in document.data:
            raise DocumentError(
                f'a pipeline has no "{key}"', where=document.at((key,)), hint="its stages' models have: drop it here"
            )
    made: dict[str, Stage] = {}
    for name, entry in document.data["pipeline"].items():
        made[name] = _stage(document, name, entry, made, known, find)
    _refuse_other_items(document, made)
    return tuple(made.values())


def _stage(
    document: Document,
    name: str,
    entry: Mapping[str, Any],
    before: Mapping[str, Stage],
    known: Mapping[str, object],
    find: Find,
) -> Stage:
    at: Pointer = ("pipeline", name)
    if name == ITEM:
        raise DocumentError(
            f'no stage can be called "{ITEM}"', where=document.at(at), hint="that is what the pipeline is given"
        )
    stage = Stage(
        name=name,
        model=find(entry["model"], document.at((*at, "model"))),
        of=_of(document, entry.get("of", ITEM), before, at),
        how=entry.get("how", "whole"),
        steps=sections.steps(document, entry.get("steps", ()), (*at, "steps"), known),
        framework=entry.get("framework"),
        where=document.at(at),
    )
    _refuse_framework(document, stage, at)
    _refuse_training(document, stage, at)
    _refuse_kind(document, stage, before, at)
    return stage


def _of(document: Document, of: str, before: Mapping[str, Stage], at: Pointer) -> str | None:
    if of == ITEM:
        return None
    if of in before:
        return of
    if of in document.data["pipeline"]:
        what = "takes what it decides itself" if of == at[-1] else f'takes what "{of}" decides, which comes later'
        raise DocumentError(
            f'the stage "{at[-1]}" {what}',
            where=document.at((*at, "of")),
            hint="stages are asked in the order of the file, each about what stands before it",
        )
    raise DocumentError(
        f'no stage is called "{of}"', where=document.at((*at, "of")), hint=did_you_mean(of, [ITEM, *before])
    )


def _refuse_framework(document: Document, stage: Stage, at: Pointer) -> None:
    name = stage.framework
    if name is None or name in stage.model.frameworks:
        return
    what = f'the model {stage.model.name} has no framework "{name}"'
    raise DocumentError(
        what if name in names("frameworks") else f'no framework is called "{name}"',
        where=document.at((*at, "framework")),
        hint=did_you_mean(name, stage.model.frameworks),
    )


def _refuse_training(document: Document, stage: Stage, at: Pointer) -> None:
    if any("fit" in use.options for use in stage.model.frameworks.values()):
        raise DocumentError(
            f"the model {stage.model.name} is trained on a claim's data first, which a stage of a pipeline cannot be",
            where=document.at((*at, "model")),
        )


# -- what is given and what is taken --------------------------------------------------------------------


def takes(stage: Stage) -> Kind | None:
    """What one value has to be that comes to this stage."""
    return kinds.first(stage.steps, model_takes(stage.model))


def model_takes(model: ModelManifest) -> Kind | None:
    """What an item has to be for this model, on the first of its frameworks."""
    if model.stages:
        return next((kind for stage in model.stages if stage.of is None and (kind := takes(stage))), None)
    own = next((use.inputs for use in model.frameworks.values() if use.inputs), model.inputs)
    return kinds.taken(model.inputs or own)


def model_gives(model: ModelManifest) -> Kind | None:
    """What this model's prediction of an item is."""
    if not model.stages:
        own = next((use.outputs for use in model.frameworks.values() if use.outputs), model.outputs)
        return kinds.given(model.outputs or own)
    output = kinds.answering(model.outputs)
    return kinds.last(output.steps, _decides(model.stages, output.name))


def front(model: ModelManifest, use: FrameworkUse) -> tuple[Input, ...]:
    """The tensors that a framework is given of an item, of a pipeline those of the first stage that takes the item."""
    stage = next((one for one in model.stages if one.of is None), None)
    return use.inputs or model.inputs if stage is None else front(stage.model, use.of(stage))


def _decides(of: Sequence[Stage], name: str) -> Kind | None:
    """What a stage decides of one item: in as many lists as it was asked questions of it."""
    by_name = {stage.name: stage for stage in of}
    stage = by_name[name]
    kind = model_gives(stage.model)
    return None if kind is None else replace(kind, depth=kind.depth + depth(by_name, stage))


def depth(by_name: Mapping[str, Stage], stage: Stage) -> int:
    """In how many lists the questions to a stage lie, one in the other, of one item."""
    if stage.of is None or stage.how == "whole":
        return 0
    return 1 if stage.how == "each" else depth(by_name, by_name[stage.of]) + 1


def _refuse_kind(document: Document, stage: Stage, before: Mapping[str, Stage], at: Pointer) -> None:
    """Refuse a stage that is given what its model cannot take, as far as that is known."""
    if stage.of is None:
        if stage.how != "whole":
            raise DocumentError(
                f'"{stage.how}" is of what another stage decides, and the stage "{stage.name}" takes the item',
                where=document.at((*at, "how")),
                hint="add `of:` with the name of a stage",
            )
        return
    source = before[stage.of]
    kind = _decides(list(before.values()), stage.of)
    value = _passed(document, stage, source, kind, at)
    wanted = takes(stage)
    if not kinds.fits(value, wanted):
        raise DocumentError(
            f'the stage "{stage.name}" cannot take what it is given',
            where=document.at(at),
            expected=f"{wanted}, for {stage.model.name}",
            got=f"{value}, of {source.name} ({source.model.name}), {stage.how}",
            hint=_mended(kind),
        )


def _passed(document: Document, stage: Stage, source: Stage, kind: Kind | None, at: Pointer) -> Kind | None:
    """What one question to a stage holds, before its steps."""
    if stage.how == "crops":
        _refuse_crops(document, source, model_gives(source.model), at)
        return kinds.PICTURE
    if stage.how == "whole" or kind is None:
        return kind
    if kind.depth == 0 and kind != kinds.NUMBERS:
        raise DocumentError(
            f"{source.name} decides no list that could be taken apart",
            where=document.at((*at, "how")),
            got=f"{kind}, of {source.model.name}",
            hint="write `how: whole`, or leave it out",
        )
    return replace(kind, depth=max(0, kind.depth - 1))


def _refuse_crops(document: Document, source: Stage, kind: Kind | None, at: Pointer) -> None:
    if kind not in (None, Kind("box", 1)):
        raise DocumentError(
            f"{source.name} gives no boxes to cut out",
            where=document.at((*at, "how")),
            got=f"{kind}, of {source.model.name}",
            hint="end the steps of its output with one that makes boxes: `mlms steps` lists them",
        )
    if not kinds.fits(takes(source), kinds.PICTURE):
        raise DocumentError(
            f"{source.name} is given no picture out of which boxes could be cut",
            where=document.at((*at, "how")),
            got=f"{takes(source)}, for {source.model.name}",
        )


def _mended(kind: Kind | None) -> str:
    if kind == Kind("box", 1):
        return "boxes are cut out of their picture by `how: crops`"
    if kind is not None and kind.depth:
        return "the elements of a list are passed one by one by `how: each`"
    return "put `steps` between the two, or name another stage"


def _refuse_other_items(document: Document, made: Mapping[str, Stage]) -> None:
    """Refuse stages that take the item for different things."""
    seen: Stage | None = None
    for stage in made.values():
        if stage.of is not None or takes(stage) is None:
            continue
        if seen is not None and takes(seen) != takes(stage):
            raise DocumentError(
                f'the stages "{seen.name}" and "{stage.name}" take the item for different things',
                where=document.at(("pipeline", stage.name)),
                expected=f"{takes(seen)}, for {seen.model.name}",
                got=f"{takes(stage)}, for {stage.model.name}",
                hint="add `of:` with the name of a stage",
            )
        seen = seen or stage


# -- the pipeline as a model ----------------------------------------------------------------------------


def outputs(document: Document, made: Sequence[Stage], known: Mapping[str, object]) -> tuple[Output, ...]:
    """What the pipeline answers: the decisions of the stages that the manifest lists, else those of the last.

    Raises:
        DocumentError: there is no such stage.
    """
    entries = document.data.get("outputs", ())
    all_names = [stage.name for stage in made]
    for index, entry in enumerate(entries):
        if entry["name"] not in all_names:
            raise DocumentError(
                f'no stage is called "{entry["name"]}"',
                where=document.at(("outputs", index, "name")),
                hint=did_you_mean(entry["name"], all_names),
            )
    return sections.outputs(document, entries, ("outputs",), known) or (Output(all_names[-1]),)


def defining(document: Document, made: Sequence[Stage]) -> dict[str, Any]:
    """What of the stages decides how the pipeline behaves: their models by digest, not by name."""
    written = document.data["pipeline"]
    return {stage.name: {**written[stage.name], "model": stage.model.digest} for stage in made}

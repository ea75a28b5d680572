"""On which frameworks the stages of a pipeline run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_mlmodelscope.core.document import Document, shown_path
from pytest_mlmodelscope.core.errors import DocumentError, UsageError, did_you_mean
from pytest_mlmodelscope.core.manifest import FrameworkUse, ModelManifest, Output, Stage
from pytest_mlmodelscope.manifest.kinds import answering


def frameworks(document: Document, made: Sequence[Stage], answer: Sequence[Output]) -> dict[str, FrameworkUse]:
    """The frameworks that all stages have, save those stages that say on which they run.

    Where each of them says so, the pipeline goes by the framework of the stage whose decisions are the answer.

    Raises:
        DocumentError: no framework runs all of them.
    """
    free = [stage for stage in made if stage.framework is None]
    if not free:
        stage = next(one for one in made if one.name == answering(answer).name)
        assert stage.framework is not None  # none is free
        return {stage.framework: FrameworkUse(stage.framework)}
    common = [name for name in free[0].model.frameworks if all(name in stage.model.frameworks for stage in free)]
    if not common:
        of_each = (f"{stage.name}: {' or '.join(stage.model.frameworks)}" for stage in free)
        raise DocumentError(
            "no framework runs all of the stages",
            where=document.at(("pipeline",)),
            got="; ".join(of_each),
            hint="add `framework:` to the stages that run on another",
        )
    return {name: FrameworkUse(name) for name in common}


def mixed(model: ModelManifest, chosen: Sequence[tuple[str, str]]) -> FrameworkUse:
    """A pipeline with each of its stages on the framework that was ``chosen`` for it, by the stages' names.

    Raises:
        UsageError: the model has no such stage, the stage no such framework, or a stage is left out.
    """
    of_each = dict(chosen)
    known = {stage.name: stage for stage in model.stages}
    for name, framework in chosen:
        _refuse_choice(model, known, name, framework)
    _refuse_left_out(model, of_each)
    first = chosen[0][1]
    if first in model.frameworks and set(of_each.values()) == {first}:
        return model.frameworks[first]
    return FrameworkUse("+".join(f"{name}={of_each[name]}" for name in known if name in of_each), stages=of_each)


def _refuse_choice(model: ModelManifest, known: Mapping[str, Stage], name: str, framework: str) -> None:
    if name not in known:
        what = f'the model {model.name} has no stage "{name}"'
        raise UsageError(what, hint=did_you_mean(name, known) if known else f"{model.name} is no pipeline")
    stage = known[name]
    if framework not in stage.model.frameworks:
        what = f'the stage {name} ({stage.model.name}) has no framework "{framework}"'
        raise UsageError(what, hint=did_you_mean(framework, stage.model.frameworks))
    if stage.framework not in (None, framework):
        raise UsageError(
            f"the stage {name} always runs on {stage.framework}, as {shown_path(model.path)} says", got=framework
        )


def _refuse_left_out(model: ModelManifest, of_each: Mapping[str, str]) -> None:
    for stage in model.stages:
        if stage.name not in of_each and stage.framework is None:
            each = "+".join(f"{one.name}={of_each.get(one.name, 'FRAMEWORK')}" for one in model.stages)
            what = f"no framework is chosen for the stage {stage.name} of {model.name}"
            raise UsageError(what, hint=f"name one for each: {each}")

"""Which framework and target a model is run on where nobody says it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from pytest_mlmodelscope.claim.expand import Selection, frameworks_of, requirement, selection, use_of
from pytest_mlmodelscope.core.errors import AssetError, EnvironmentUnavailable, NotApplicable, UsageError, did_you_mean
from pytest_mlmodelscope.core.framework import framework_spec
from pytest_mlmodelscope.core.manifest import ModelManifest
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.core.result import Case


def usual_case(
    model: ModelManifest,
    framework: str | None,
    target: str | None,
    case_of: Callable[[Selection], Case],
    at_hand: Callable[[Case], object],
) -> Case:
    """The case of a model on what was named: without a framework on the first of its own that is at hand here, else
    whose environment is, else that can run here; without a target on the processor where the framework drives it.

    Raises:
        UsageError: there is no such framework or target, or the model has it not.
    """
    if framework is not None:
        refuse_other(model, framework)
        return case_of(_on(framework, target))
    found: dict[int, Case] = {}
    cases = [case_of(_on(use, target)) for use in model.frameworks]
    for case in cases:
        with suppress(NotApplicable):
            found.setdefault(_distance(case, at_hand), case)
    # Where none can, the first says why.
    return found[min(found)] if found else cases[0]


def refuse_other(model: ModelManifest, framework: str) -> None:
    """Refuse a framework that a model does not have.

    Raises:
        UsageError: it is none, or another model's; offers the nearest.
    """
    (chosen,) = selection([framework]).frameworks
    if chosen.stages:
        use_of(model, chosen)
    elif chosen.name not in model.frameworks:
        hint = did_you_mean(chosen.name, model.frameworks)
        raise UsageError(f'the model {model.name} has no framework "{chosen.name}"', hint=hint)


def _on(framework: str, target: str | None) -> Selection:
    return selection([framework], [target or _usual_target(frameworks_of(requirement(framework)))])


def _usual_target(of_stages: Sequence[str]) -> str:
    """A processor, else the first device that all of these frameworks drive."""
    known = names("frameworks")
    of_each = [framework_spec(name).devices for name in of_stages if name in known]
    devices = [device for device in of_each[0] if all(device in others for others in of_each)] if of_each else ()
    return "cpu" if "cpu" in devices or not devices else devices[0]


def _distance(case: Case, at_hand: Callable[[Case], object]) -> int:
    """How much is missing here: nothing, files, or the framework too."""
    try:
        at_hand(case)
    except AssetError:
        return 1
    except EnvironmentUnavailable:
        return 2
    return 0

"""What can be tried: the models by task, and what one of them wants."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_mlmodelscope.core.framework import framework_spec
from pytest_mlmodelscope.core.manifest import ModelManifest
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.hub.views.examples import Example, examples
from pytest_mlmodelscope.hub.views.readiness import Readiness, readiness, target
from pytest_mlmodelscope.library.cards import ModelCard, TargetCard
from pytest_mlmodelscope.library.intake import Intake, Wants
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.manifest.stages import front

#: Frameworks that are chosen before anybody chooses: two, so that there is something to compare.
_CHOSEN: Final = 2
_USUAL: Final = "cpu"


@dataclass(frozen=True, slots=True)
class Choice:
    """A model to choose, and what it wants."""

    card: ModelCard
    wants: Wants


@dataclass(frozen=True, slots=True)
class Group:
    """The models of a task."""

    task: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """The form for one model. ``fields`` are the names of what an input has, where it has several parts; ``chosen``
    the frameworks that are marked before anybody chooses; ``targets`` those that any of its frameworks drives, those
    that are here before the others.
    """

    card: ModelCard
    wants: Wants
    fields: tuple[str, ...]
    frameworks: tuple[Readiness, ...]
    chosen: tuple[str, ...]
    targets: tuple[TargetCard, ...]
    examples: tuple[Example, ...]


def groups(shelf: Shelf, text: str = "") -> tuple[Group, ...]:
    """The models that match, by task; not those whose files are elsewhere."""
    here = [card for card in shelf.models(text) if not card.elsewhere]
    cards = sorted(here, key=lambda card: (card.task, card.name))
    return tuple(
        Group(task, tuple(Choice(card, intake_of(shelf, shelf.model(card.name)).wants) for card in found))
        for task, found in itertools.groupby(cards, lambda card: card.task)
    )


def trial(shelf: Shelf, model: str) -> Trial:
    """The form for a model.

    Raises:
        DocumentError: there is no such model.
    """
    manifest = shelf.model(model)
    intake = intake_of(shelf, manifest)
    frameworks = readiness(manifest)
    return Trial(
        card=shelf.model_card(model),
        wants=intake.wants,
        fields=intake.fields,
        frameworks=frameworks,
        chosen=_chosen(frameworks),
        targets=_targets(manifest),
        examples=examples(shelf, model, intake.wants),
    )


def intake_of(shelf: Shelf, model: ModelManifest) -> Intake:
    """What a model takes; a pipeline takes what its first stage does."""
    use = shelf.data_of(model.name)
    split = None if use is None else shelf.dataset(use.name).splits.get(use.split)
    inputs = model.inputs or next((given for use in model.frameworks.values() if (given := front(model, use))), ())
    return Intake(inputs, split)


def _chosen(frameworks: Sequence[Readiness]) -> tuple[str, ...]:
    """Those that answer at once; where none does, one that can be had."""
    ready = [one.framework for one in frameworks if one.state == "ready"]
    return tuple(ready[:_CHOSEN] or [one.framework for one in frameworks if one.state == "first"][:1])


def _targets(model: ModelManifest) -> tuple[TargetCard, ...]:
    """Those that are here first, of them the usual one."""
    known = set(names("targets"))
    devices = {device for name in model.frameworks for device in framework_spec(name).devices}
    return tuple(sorted(map(target, devices & known), key=lambda one: (not one.here, one.name != _USUAL, one.name)))

"""Models: what they are, how to run them, whether what was published of them holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pytest_mlmodelscope.core.manifest import Asset, Input, ModelManifest, Output, Stage, Step
from pytest_mlmodelscope.hub.views import latencies, series
from pytest_mlmodelscope.hub.views.asking import current, outcomes
from pytest_mlmodelscope.hub.views.latencies import Distribution
from pytest_mlmodelscope.hub.views.outcomes import Outcome, Total, ordered, tally
from pytest_mlmodelscope.hub.views.playground import intake_of
from pytest_mlmodelscope.hub.views.series import History
from pytest_mlmodelscope.library.cards import ClaimCard, ModelCard
from pytest_mlmodelscope.library.intake import Wants
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.reports._text import shown
from pytest_mlmodelscope.store.tables import Result

#: What nobody would see.
_BLANKS: Final = {"": "nothing", " ": "a blank", "\n": "a line break"}
#: What a stage is asked about, of the stage ``of``.
_HOW: Final = {
    "whole": "all that {of} decides, at once",
    "each": "each of what {of} decides, one after another",
    "crops": "each box that {of} finds, cut out of the picture and turned upright",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A model in a list, with the verdicts of its current results, the gravest first."""

    card: ModelCard
    totals: tuple[Total, ...]


@dataclass(frozen=True, slots=True)
class ModelsFound:
    """``strangers`` are models of which results were sent, and which are not on the shelf."""

    listed: tuple[Listed, ...]
    strangers: tuple[str, ...]
    tasks: tuple[str, ...]
    frameworks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output in words: its steps one after another."""

    name: str
    type: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class File:
    """An asset; ``size`` in bytes."""

    name: str
    sha256: str
    size: int
    license: str
    origin: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim with what came of it; ``card`` is None where it is not on the shelf."""

    id: str
    card: ClaimCard | None
    outcomes: tuple[Outcome, ...]

    @property
    def totals(self) -> tuple[Total, ...]:
        """The verdicts that are there, the gravest first."""
        return tally(one.verdict for one in self.outcomes)


@dataclass(frozen=True, slots=True)
class StagePart:
    """A stage of a pipeline: its model, what it is asked about, in words, and the steps on the way to it."""

    name: str
    card: ModelCard
    asked: str
    steps: tuple[str, ...]
    framework: str | None


@dataclass(frozen=True, slots=True)
class ModelPage:
    """Everything that is told of one model; ``card`` is None of one that only results speak of, ``stages`` are there
    of a pipeline, ``wants`` is what it takes.
    """

    name: str
    card: ModelCard | None
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    stages: tuple[StagePart, ...]
    wants: Wants | None
    files: tuple[File, ...]
    attributes: tuple[tuple[str, str], ...]
    claims: tuple[Claimed, ...]
    histories: tuple[History, ...]
    latencies: tuple[Distribution, ...]


def models(session: Session, shelf: Shelf, text: str = "", task: str = "", framework: str = "") -> ModelsFound:
    """The models that match, with how they stand."""
    everything = shelf.models()
    counts: dict[str, dict[str, int]] = {}
    question = current(Result.model, Result.verdict, func.count()).group_by(Result.model, Result.verdict)
    for model, verdict, count in session.execute(question):
        counts.setdefault(model, {})[verdict] = count
    known = {card.name for card in everything}
    strangers = sorted(name for name in counts if name not in known and text.casefold() in name.casefold())
    return ModelsFound(
        listed=tuple(
            Listed(card, ordered(counts.get(card.name, {})))
            for card in shelf.models(text, task or None, framework or None)
        ),
        strangers=() if task or framework else tuple(strangers[:200]),
        tasks=tuple(sorted({card.task for card in everything})),
        frameworks=tuple(sorted({name for card in everything for name in card.frameworks})),
    )


def model(session: Session, shelf: Shelf, name: str) -> ModelPage | None:
    """One model; None where neither the shelf nor any result knows it."""
    manifest = shelf.model(name) if name in shelf.catalogue.model_names() else None
    found = outcomes(session, current(Result).where(Result.model == name).order_by(Result.claim, Result.framework))
    if manifest is None and not found:
        return None
    claims = tuple(_claimed(shelf, name, found))
    told = (series.of_claim(session, claim) for claim in dict.fromkeys(one.claim for one in found))
    return ModelPage(
        name=name,
        card=None if manifest is None else shelf.model_card(name),
        inputs=() if manifest is None else tuple(map(_input, manifest.inputs)),
        outputs=() if manifest is None else tuple(map(_output, manifest.outputs)),
        stages=() if manifest is None else tuple(_stage(shelf, stage) for stage in manifest.stages),
        wants=None if manifest is None else intake_of(shelf, manifest).wants,
        files=() if manifest is None else tuple(map(_file, manifest.assets.values())),
        attributes=() if manifest is None else _attributes(manifest),
        claims=claims,
        histories=tuple(one for one in told if one is not None and one.moves),
        latencies=latencies.of_model(session, name),
    )


def names(session: Session, shelf: Shelf) -> list[str]:
    """All names that a model's page is found by."""
    return sorted({*shelf.catalogue.model_names(), *session.scalars(select(Result.model).distinct())})


def _claimed(shelf: Shelf, model: str, found: tuple[Outcome, ...]) -> Iterator[Claimed]:
    cards = {card.id: card for card in shelf.claims(model=model)}
    verified = dict.fromkeys(one.claim for one in found)
    for identity in {**verified, **cards}:
        yield Claimed(identity, cards.get(identity), tuple(one for one in found if one.claim == identity))


def _stage(shelf: Shelf, stage: Stage) -> StagePart:
    asked = "what the pipeline is given" if stage.of is None else _HOW[stage.how].format(of=stage.of)
    return StagePart(
        stage.name, shelf.model_card(stage.model.name), asked, tuple(map(_step, stage.steps)), stage.framework
    )


def _input(tensor: Input) -> Tensor:
    told = [] if tensor.constant is None else [f"constant {tensor.constant:g}"]
    return Tensor(tensor.name, _type(tensor), (*map(_step, tensor.steps), *told))


def _output(tensor: Output) -> Tensor:
    return Tensor(tensor.name, _type(tensor), tuple(map(_step, tensor.steps)))


def _type(tensor: Input | Output) -> str:
    layout = getattr(tensor, "layout", None)
    shape = " × ".join(map(str, tensor.shape))  # noqa: RUF001
    return ", ".join(part for part in (tensor.dtype, shape, layout) if part)


def _step(step: Step) -> str:
    told = ", ".join(f"{key} {_value(value)}" for key, value in step.options.items())
    return f"{step.name} ({told})" if told else step.name


def _value(value: Any) -> str:
    return _BLANKS[value] if isinstance(value, str) and value in _BLANKS else shown(value)


def _file(asset: Asset) -> File:
    origin = asset.package or asset.url or asset.path or (f"made by {asset.recipe.script}" if asset.recipe else "")
    return File(asset.name, asset.sha256, asset.size, asset.license, origin)


def _attributes(manifest: ModelManifest) -> tuple[tuple[str, str], ...]:
    return tuple((key, shown(value)) for key, value in manifest.attributes.items())

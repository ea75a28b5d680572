"""A pipeline of models at work: asked like one worker, it asks the workers of its stages, one after the other."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pytest_mlmodelscope.core.errors import MlmsError, ModelError, UsageError
from pytest_mlmodelscope.core.manifest import Stage
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.interfaces.scenario import Settings, Timings
from pytest_mlmodelscope.manifest.chain import Chain
from pytest_mlmodelscope.manifest.crops import cut, pixels_of
from pytest_mlmodelscope.manifest.pipeline import Decision, Preparation, Tensors
from pytest_mlmodelscope.worker import loading

if TYPE_CHECKING:
    from pytest_mlmodelscope.agent.agent import Agent

#: What the only "tensor" of a pipeline is called: its items, as they are.
ITEMS: Final = "items"
#: Items that go through all stages at once, where nobody asks for another number.
TOGETHER: Final = 8


class Whole(Preparation):
    """What comes before a pipeline: nothing, since each of its stages prepares for itself."""

    def __init__(self) -> None:
        super().__init__((), {})

    def batch_size(self, asked: int | None) -> int:
        """How many items go through the stages together."""
        return asked or TOGETHER

    def tensors(self, items: Sequence[Item]) -> Tensors:
        """The items themselves."""
        return {ITEMS: list(items)}


@contextmanager
def naming(stage: Stage) -> Iterator[None]:
    """Say of whatever goes wrong in a stage that it went wrong there."""
    try:
        yield
    except MlmsError as error:
        error.what = f"the stage {stage.name} ({stage.model.name}): {error.what}"
        raise


@dataclass(frozen=True, slots=True)
class Asked:
    """A stage with the worker of its model, what comes before and after that, and the steps on the way to it."""

    stage: Stage
    agent: Agent
    before: Preparation
    after: Decision
    way: Chain

    def decide(self, questions: Sequence[Item]) -> tuple[list[Any], int]:
        """One decision for each question, None where there is nothing to ask; and the nanoseconds that models took."""
        open_ones = [question for question in questions if question.input is not None]
        with naming(self.stage):
            decided, busy = self._decided(open_ones)
        found = iter(decided)
        return [None if question.input is None else next(found) for question in questions], busy

    def _decided(self, questions: Sequence[Item]) -> tuple[list[Any], int]:
        size = self.before.batch_size(None)
        parts = [questions[start : start + size] for start in range(0, len(questions), size)]
        found: list[Any] = []
        busy = 0
        answers = self.agent.predict_stream(self.before.tensors(part) for part in parts)
        for part, (outputs, spent) in zip(parts, answers, strict=True):
            # What comes from a worker may lie in memory that is used again.
            found.extend(_own(one) for one in self.after.predictions(outputs, len(part)))
            busy += spent
        return found, busy


def _own(value: Any) -> Any:
    return np.array(value) if isinstance(value, np.ndarray) else value


@dataclass(frozen=True, slots=True)
class _Layer:
    """What a stage was asked, and what it decided: lists in lists, ``depth`` of them, the outermost over items."""

    questions: Any
    decisions: Any
    depth: int


class Staged:
    """The stages of a pipeline with their workers, in the place of one worker of one model."""

    #: It is several processes, and none of them alone is the one that is watched.
    pid: Final = None

    def __init__(self, stages: Sequence[Asked]) -> None:
        self.stages = tuple(stages)

    def predict(self, inputs: Tensors) -> tuple[dict[str, Any], int]:
        """What each stage decided of every item, by its name, and the nanoseconds that their models took together."""
        layers: dict[str, _Layer] = {}
        busy = 0
        for asked in self.stages:
            questions, depth = _questions(asked, inputs[ITEMS], layers)
            flat, spent = asked.decide(list(_leaves(questions, depth)))
            layers[asked.stage.name] = _Layer(questions, _shaped(questions, depth, iter(flat)), depth)
            busy += spent
        return {name: layer.decisions for name, layer in layers.items()}, busy

    def predict_stream(
        self,
        batches: Iterable[Tensors],
        ahead: int = 1,  # noqa: ARG002  # as of a worker; here none is begun before it is asked for
    ) -> Generator[tuple[dict[str, Any], int], None, None]:
        """``predict`` of each batch, in order."""
        for batch in batches:
            yield self.predict(batch)

    def load(self, scenario: str, samples: Sequence[Tensors], settings: Settings, engine: str | None = None) -> Timings:
        """Run a scenario over queries from here: a query is all stages, with what comes before, between and after.

        Raises:
            UsageError: another engine is to issue the queries, which it does inside of one worker.
        """
        from pytest_mlmodelscope.agent.told import timings_of

        if engine is not None:
            raise UsageError(f"{engine} issues queries inside of one worker, and a pipeline has several")
        header, tensors = loading.run(lambda query: self.predict(query)[0], list(samples), scenario, dict(settings))
        return timings_of(header, tensors)

    def stats(self) -> dict[str, int]:
        """``peak_bytes``: the largest resident sizes of the workers so far, added up."""
        return {"peak_bytes": sum(agent.stats()["peak_bytes"] for agent in {id(a): a for a in self._agents()}.values())}

    def _agents(self) -> list[Agent]:
        # One worker may serve two stages.
        return [asked.agent for asked in self.stages]


def _questions(asked: Asked, items: Sequence[Item], layers: Mapping[str, _Layer]) -> tuple[Any, int]:
    """What a stage is asked about these items, as lists in lists; and how many of these there are."""
    stage = asked.stage
    if stage.of is None:
        return [_on_its_way(asked, item.id, item.input) for item in items], 1
    layer = layers[stage.of]
    if stage.how == "crops":
        return _crops(asked, layer.questions, layer.decisions, layer.depth), layer.depth + 1
    decided = zip(items, layer.decisions, strict=True)
    if stage.how == "each":
        return [_each(asked, item, decision) for item, decision in decided], 2
    return [_on_its_way(asked, item.id, decision) for item, decision in decided], 1


def _on_its_way(asked: Asked, identity: str, value: Any) -> Item:
    """A question of this value, after the steps on the way; of nothing where an earlier stage gave no answer."""
    if value is None:
        return Item(identity, None)
    try:
        return Item(identity, asked.way.one(value))
    except Exception as error:  # a step is anybody's code
        said = str(error) if isinstance(error, MlmsError) else f"{type(error).__name__}: {error}"
        with naming(asked.stage):
            raise ModelError(f"the steps on the way to it failed for item {identity}: {said}") from error
    raise AssertionError  # naming raises again


def _each(asked: Asked, item: Item, decision: Any) -> list[Item]:
    if decision is None:
        return []
    if not isinstance(decision, (list, tuple, np.ndarray)):
        with naming(asked.stage):
            raise ModelError(f"{asked.stage.of} decided no list for item {item.id}", got=repr(decision)[:160])
    return [_on_its_way(asked, f"{item.id}, {asked.stage.of} {n}", one) for n, one in enumerate(decision, 1)]


def _crops(asked: Asked, questions: Any, decisions: Any, depth: int) -> Any:
    """What the boxes hold of the pictures in which they were found, in the same lists in lists."""
    if depth:
        pairs = zip(questions, decisions, strict=True)
        return [_crops(asked, question, decision, depth - 1) for question, decision in pairs]
    with naming(asked.stage):
        cuts = _cuts(questions, decisions)
    return [_on_its_way(asked, f"{questions.id}, {asked.stage.of} {n}", one) for n, one in enumerate(cuts, 1)]


def _cuts(question: Item, boxes: Any) -> list[Any]:
    if boxes is None or not len(boxes):
        return []
    pixels = pixels_of(question.input)
    return [cut(pixels, box) for box in boxes]


def _leaves(nested: Any, depth: int) -> Iterator[Item]:
    if depth == 0:
        yield nested
        return
    for inner in nested:
        yield from _leaves(inner, depth - 1)


def _shaped(like: Any, depth: int, found: Iterator[Any]) -> Any:
    """The same lists in lists with what was found in the place of each question."""
    return next(found) if depth == 0 else [_shaped(inner, depth - 1, found) for inner in like]

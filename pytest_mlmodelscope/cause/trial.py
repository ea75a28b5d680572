"""Setups that are tried, and what the model gives under each for the same items."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.cause.subject import Subject, key_of, order
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.manifest import Input, Step
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.interfaces.mismatch import Setup
from pytest_mlmodelscope.manifest.chain import Chain
from pytest_mlmodelscope.manifest.pipeline import Decision, Preparation

#: Items that are asked about at once: what a step before made of them is kept meanwhile.
CHUNK: Final = 32
#: The same where the model's answers are at hand.
MANY: Final = 1024


@dataclass(slots=True, eq=False)
class Trial:
    """One setup, what is different in it (``kinds`` and ``words``; none in the manifest's own), how likely it is
    before anything is known, and what was predicted so far, in the order of evaluation.
    """

    kinds: tuple[str, ...]
    words: str
    setup: Setup
    prior: float
    predictions: list[Any] = field(default_factory=list)
    references: list[Any] = field(default_factory=list)
    #: Of each item how sure the model is of its answer, from 0 to 1; empty where its scores do not tell.
    sure: list[float] = field(default_factory=list)
    failed: str = ""
    hopeless: bool = False
    _keys: dict[str, str] = field(default_factory=dict)
    decision: Decision | None = None

    @property
    def n(self) -> int:
        """How many items were evaluated."""
        return len(self.predictions)

    @property
    def tensors_key(self) -> str:
        """What two trials share whose model is asked the same."""
        if "tensors" not in self._keys:
            steps = [(spec.name, spec.field, key_of(spec.steps)) for spec in self.setup.inputs]
            self._keys["tensors"] = f"{self.data_key} {steps}"
        return self._keys["tensors"]

    @property
    def data_key(self) -> str:
        """What two trials share that read the same items."""
        return f"{self.setup.split.name} {self.setup.split.options}"

    @property
    def key(self) -> str:
        """What two trials share that are the same."""
        after = [(spec.name, key_of(spec.steps)) for spec in self.setup.outputs]
        return f"{self.tensors_key} {after} {self.setup.metric} {self.setup.options}"


class Trials:
    """Evaluates trials on the first items of a fixed random order, and counts what that took."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._items: dict[str, list[Item]] = {}
        self._own = ""
        self._kept: Mapping[str, Any] = {}
        self.name = subject.name
        self.evaluated = 0
        self.asked = 0

    def items(self, trial: Trial) -> list[Item]:
        """The items of a trial in the order of their evaluation.

        Raises:
            MlmsError: they cannot be read.
        """
        if trial.data_key not in self._items:
            items = self._subject.read(trial.setup.split)
            self._items[trial.data_key] = [items[place] for place in order(len(items), self._subject.name)]
        return self._items[trial.data_key]

    def start_from(self, declared: Trial) -> bool:
        """Take what the model gave for all items before, where that was kept; whether it was."""
        count = len(self.items(declared))
        kept = self._subject.kept or {}
        if not kept or any(len(value) != count for value in kept.values()):
            return False
        places = order(count, self._subject.name)
        self._own, self._kept = declared.tensors_key, {name: value[places] for name, value in kept.items()}
        return True

    def decide_all(self, trials: Sequence[Trial], deadline: float) -> None:
        """Evaluate those that ask the model nothing new on every item."""
        own = [trial for trial in trials if trial.tensors_key == self._own and not trial.failed]
        if own:
            items = self.items(own[0])
            for start in range(0, len(items), MANY):
                if time.monotonic() < deadline:
                    some = {name: value[start : start + MANY] for name, value in self._kept.items()}
                    self._decide(own, some, items[start : start + MANY], batched=True)

    def extend(self, trials: Sequence[Trial], n: int, deadline: float, revive: bool = False) -> None:
        """Evaluate each up to its first ``n`` items, or until the time is up; the likeliest first.

        With ``revive`` those too that have no hope of their own.
        """
        for start in range(0, n, CHUNK):
            alive = [trial for trial in trials if (revive or not trial.hopeless) and not trial.failed]
            chunk = _Chunk(self._subject, alive)
            for group in _groups(alive, start, min(n, start + CHUNK)):
                if time.monotonic() > deadline:
                    return
                self._evaluate(group, chunk, start, min(n, start + CHUNK))

    def _evaluate(self, group: Sequence[Trial], chunk: _Chunk, start: int, stop: int) -> None:
        """The trials of one group have got as far as each other."""
        try:
            items = self.items(group[0])[max(start, group[0].n) : stop]
            before = Preparation(group[0].setup.inputs, self._subject.files)
            size = min(CHUNK, before.batch_size(self._subject.batch))
            for first in range(0, len(items), size):
                self._ask(group, chunk, items[first : first + size], before.batched)
        except MlmsError as error:
            for trial in group:
                trial.failed = trial.failed or str(error).splitlines()[0]

    def _ask(self, group: Sequence[Trial], chunk: _Chunk, items: list[Item], batched: bool) -> None:
        tensors = chunk.tensors(group[0].setup.inputs, items)
        outputs, known = chunk.outputs(tensors, self._subject.trained(group[0].setup.inputs))
        self.asked += 0 if known else len(items)
        self._decide(group, outputs, items, batched)

    def _decide(self, group: Sequence[Trial], outputs: Mapping[str, Any], items: list[Item], batched: bool) -> None:
        sure = _sureness(outputs, batched)
        for trial in group:
            if trial.failed:
                continue
            try:
                if trial.decision is None:
                    trial.decision = Decision(trial.setup.outputs, self._subject.files, batched)
                trial.predictions += trial.decision.predictions(outputs, len(items))
                trial.references += [item.label for item in items]
                trial.sure += sure
                self.evaluated += len(items)
            except MlmsError as error:
                trial.failed = str(error).splitlines()[0]


def _sureness(outputs: Mapping[str, Any], batched: bool) -> list[float]:
    """The largest share of each item's scores, of the first output that has several of them."""
    for value in outputs.values():
        scores = np.asarray(value) if batched else np.asarray(value)[np.newaxis]
        if scores.dtype.kind == "f" and scores.ndim == 2 and scores.shape[1] > 1:
            rows = scores.astype(np.float64)
            if rows.min(initial=0) < 0 or abs(rows.sum(1) - 1).max(initial=0) > 0.01:
                rows = np.exp(rows - rows.max(1, keepdims=True))
            return list((rows.max(1) / rows.sum(1)).tolist())
    return []


def _groups(trials: Sequence[Trial], start: int, stop: int) -> Iterator[list[Trial]]:
    """Trials that ask the same and lack items of this chunk, together."""
    found: dict[tuple[str, int], list[Trial]] = {}
    for trial in trials:
        if start <= trial.n < stop:
            found.setdefault((trial.tensors_key, trial.n), []).append(trial)
    yield from found.values()


class _Chunk:
    """Some items: what was made of them by the steps that several trials share, and what the model gave."""

    def __init__(self, subject: Subject, trials: Iterable[Trial]) -> None:
        self._subject = subject
        self._shared = _shared(trials)
        self._values: dict[tuple[str, int], Any] = {}
        self._known: dict[str, Mapping[str, Any]] = {}

    def tensors(self, inputs: Sequence[Input], items: Sequence[Item]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for spec in inputs:
            shared = self._longest(spec)
            kept = [self._value(spec, shared, item) for item in items] if shared else list(items)
            rest = dataclasses.replace(spec, steps=spec.steps[shared:], field=None if shared else spec.field)
            made.update(Preparation([rest], self._subject.files).tensors(kept))
        return made

    def outputs(self, tensors: Mapping[str, Any], trained: str) -> tuple[Mapping[str, Any], bool]:
        """What the model gives, and whether it was known from the same question of another trial."""
        digest = _digest(tensors) + trained
        known = digest in self._known
        if not known:
            given = self._subject.ask(tensors)
            # What comes from a worker may lie in memory that is used again.
            self._known[digest] = {
                name: np.array(value) if isinstance(value, np.ndarray) else value for name, value in given.items()
            }
        return self._known[digest], known

    def _longest(self, spec: Input) -> int:
        if spec.constant is not None:
            return 0
        return next((n for n in range(len(spec.steps), 0, -1) if _prefix(spec, n) in self._shared), 0)

    def _value(self, spec: Input, shared: int, item: Item) -> Item:
        key = (_prefix(spec, shared), id(item))
        if key not in self._values:
            self._values[key] = self._made(spec, spec.steps[:shared], item)
        return Item(item.id, self._values[key], item.label)

    def _made(self, spec: Input, steps: Sequence[Step], item: Item) -> Any:
        try:
            value = item.input if spec.field is None else item.input[spec.field]
            return Chain(steps, self._subject.files).one(value)
        except Exception as error:  # a step is anybody's code
            raise MlmsError(f"the steps fail on item {item.id}: {error}") from error


def _prefix(spec: Input, upto: int) -> str:
    return f"{spec.field} {key_of(spec.steps[:upto])}"


def _shared(trials: Iterable[Trial]) -> set[str]:
    """Beginnings of steps that go on in several ways."""
    ways: dict[str, set[str]] = {}
    for spec in {id(spec): spec for trial in trials for spec in trial.setup.inputs}.values():
        for upto in range(1, len(spec.steps) + 1):
            ways.setdefault(_prefix(spec, upto), set()).add(key_of(spec.steps[upto : upto + 1]))
    return {prefix for prefix, after in ways.items() if len(after) > 1}


def _digest(tensors: Mapping[str, Any]) -> str:
    found = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        value = tensors[name]
        if isinstance(value, np.ndarray):
            found.update(f"{name} {value.dtype} {value.shape}".encode())
            found.update(np.ascontiguousarray(value).tobytes())
        else:
            found.update(f"{name} {value!r}".encode("utf-8", "surrogatepass"))
    return found.hexdigest()

"""What a model answers: plain data, the same for every framework and task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pytest_mlmodelscope.core.claim import NOTHING
from pytest_mlmodelscope.record.case import json_ready


@dataclass(frozen=True, slots=True)
class Scored:
    """One of the answers that a model chose among: its label, and what it gave for it.

    ``score`` is a share where the manifest makes shares of the scores or says that they are logits, and else what the
    model gives; None where it gives none. ``index`` is the place among the scores.
    """

    label: str
    score: float | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one input. ``value`` is what the manifest's steps decide, of a recording a list of it; None where
    the model gave no answer. ``top`` are the likeliest labels of a classifier, best first, and else empty. ``parts``
    are what each stage of a pipeline decided, by its name; empty for a single model.
    """

    value: Any
    top: tuple[Scored, ...] = ()
    parts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answers of a model, one for each input, in their order.

    ``latency_s`` are the seconds that the model itself took for all of them, measured in its own process after two
    queries that are not counted; ``steps`` those of each part of the way, as ``prepare``, ``predict`` and ``decide``.
    """

    model: str
    framework: str
    version: str
    target: str
    answers: tuple[Answer, ...]
    latency_s: float
    steps: Mapping[str, float] = field(default_factory=lambda: NOTHING)

    @property
    def value(self) -> Any:
        """What was decided of the first input."""
        return self.answers[0].value

    @property
    def parts(self) -> dict[str, Any]:
        """What each stage of a pipeline decided of the first input."""
        return self.answers[0].parts

    @property
    def top(self) -> tuple[Scored, ...]:
        """The likeliest labels of the first input."""
        return self.answers[0].top

    def to_json(self) -> dict[str, Any]:
        """The same as JSON holds it."""
        return plain(self)


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure in ``unit``, with its interval, which no claim was compared with.

    ``n`` counts items, queries or calls, ``failed`` the items without an answer. ``dataset`` is ``name/split``.
    """

    model: str
    framework: str
    version: str
    target: str
    metric: str
    dataset: str | None
    value: float
    unit: str
    low: float
    high: float
    confidence: float
    method: str
    n: int
    failed: int = 0
    steps: Mapping[str, float] = field(default_factory=lambda: NOTHING)

    def to_json(self) -> dict[str, Any]:
        """The same as JSON holds it; what is infinite or no number is null."""
        return plain(self)


def plain(answer: Any) -> dict[str, Any]:
    """A dataclass of this module as JSON holds it."""
    fields = {**{name: getattr(answer, name) for name in answer.__slots__ if name != "steps"}, "steps": answer.steps}
    found: dict[str, Any] = json_ready({name: _inner(value) for name, value in fields.items()})
    return found


def _inner(value: Any) -> Any:
    return [asdict(one) for one in value] if isinstance(value, tuple) else value

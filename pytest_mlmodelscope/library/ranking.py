"""The likeliest labels of a classifier: what its manifest's steps would say of each of the best scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.manifest import Output, Step
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.library.answers import Scored
from pytest_mlmodelscope.manifest.chain import Chain


class Ranking:
    """Ranks what an output holds, where one of its steps chooses among scores.

    ``classes`` are names in the order of the scores, where the steps give none; of ``logits`` shares are made.
    """

    def __init__(
        self, output: Output | None, files: Mapping[str, Path], classes: Sequence[str] = (), logits: bool = False
    ) -> None:
        steps = output.steps if output else ()
        at = next((place for place, step in enumerate(steps) if _chooses(step)), None)
        self._chooses = None if at is None else _chooses(steps[at])
        self._before = Chain((*steps[: at or 0], Step("softmax")) if logits else steps[: at or 0], files)
        self._after = Chain(() if at is None else steps[at + 1 :], files)
        self._classes = classes

    def best(self, value: Any, decided: Any, most: int) -> tuple[Scored, ...]:
        """The ``most`` likeliest labels of an item of which the model gave ``value``; of a text, the text itself."""
        if self._chooses is None or value is None:
            return (Scored(decided),) if isinstance(decided, str) else ()
        scores = np.asarray(self._before.one(value), np.float64).reshape(-1)
        best = np.argsort(-scores, kind="stable")[:most]
        return tuple(Scored(self._label(index), _score(scores[index]), index) for index in map(int, best))

    def _label(self, index: int) -> str:
        try:
            label = self._after.one(index) if self._chooses == "one" else self._after.one([index])[0]
        except (MlmsError, IndexError):  # it has no name
            label = None
        if isinstance(label, str):
            return label
        return self._classes[index] if index < len(self._classes) else str(index if label is None else label)


def _chooses(step: Step) -> str | None:
    found: str | None = getattr(member("steps", step.name), "CHOOSES", None)
    return found


def _score(score: float) -> float | None:
    return float(score) if math.isfinite(score) else None

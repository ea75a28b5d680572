"""Pre- and post-processing steps: from an item to a tensor, from a tensor to a prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a step may look at when it is made: the model's files that its options name."""

    files: Mapping[str, Path]


class Step(Protocol):
    """One file in ``steps/``."""

    OPTIONS: Mapping[str, Any]
    """JSON Schema of the options that the manifest may give."""

    def make(self, options: Mapping[str, Any], context: StepContext) -> Callable[[Any], Any]:
        """The step as a function of one item's value. It must not change its argument."""

"""What the search is given: a model that can be asked, and the data that its figure is about."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pytest_mlmodelscope.core.manifest import Input, Split, Step
from pytest_mlmodelscope.interfaces.dataset import Item


class Subject(Protocol):
    """A model whose figure is to be explained. ``name`` names its data, so that a sample of them is always the same."""

    name: str
    task: str
    splits: Mapping[str, Split]
    #: The model's files that steps may name.
    files: Mapping[str, Path]
    #: Items of one query, where the claim says how many.
    batch: int | None
    #: What the model gave for the items of the claim's split with the manifest's own steps, in their order; None
    #: where that was not kept for all of them.
    kept: Mapping[str, Any] | None

    def read(self, split: Split) -> Sequence[Item]:
        """The items of a split, in their published order.

        Raises:
            MlmsError: they cannot be read so.
        """

    def ask(self, tensors: Mapping[str, Any]) -> Mapping[str, Any]:
        """The outputs of the model, to be copied before it is asked again.

        Raises:
            MlmsError: the model refuses the tensors, or died of them; the next question is asked of a new one.
        """

    def trained(self, inputs: Sequence[Input]) -> str:
        """Train a model that learns from the dataset as these inputs would have it; names what it is trained on.

        Empty for a model that has learnt already.
        """

    def header(self, split: Split) -> Sequence[str] | None:
        """The first line of a table that names its columns; None where it is no such table."""


def order(items: int, of: str) -> list[int]:
    """Places of items in a fixed random order, the same on every machine; ``of`` names what they are."""
    places = list(range(items))
    random.Random(f"{of}: why").shuffle(places)  # noqa: S311
    return places


def key_of(steps: Sequence[Step]) -> str:
    """Steps as text that is the same for the same steps."""
    return json.dumps([[step.name, step.options] for step in steps], default=_plain, sort_keys=True)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else str(value)

"""What is told of models, datasets, frameworks, claims and targets: plain data, the same through every door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model. ``frameworks`` it can run on, ``claims`` the ids of what was published about it; ``elsewhere`` says
    where its files are when they are not at hand.
    """

    name: str
    version: str
    task: str
    license: str
    description: str
    frameworks: tuple[str, ...]
    claims: tuple[str, ...]
    references: tuple[str, ...]
    elsewhere: str
    file: str


@dataclass(frozen=True, slots=True)
class ClaimCard:
    """A published figure, or a promise that a check holds. ``dataset`` is ``name/split``; ``source`` has the keys of
    ``core.claim.Source``, ``conditions`` those of a record.
    """

    id: str
    model: str
    dataset: str | None
    metric: str
    value: float
    unit: str
    published: str
    direction: str
    frameworks: tuple[str, ...]
    source: Mapping[str, Any]
    conditions: Mapping[str, Any]
    file: str

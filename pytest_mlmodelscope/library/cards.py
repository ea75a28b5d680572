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


@dataclass(frozen=True, slots=True)
class DatasetCard:
    """A dataset. ``splits`` has the number of items of each of its parts."""

    name: str
    version: str
    license: str
    description: str
    splits: Mapping[str, int]
    references: tuple[str, ...]
    claims: tuple[str, ...]
    file: str


@dataclass(frozen=True, slots=True)
class FrameworkCard:
    """A framework: the versions that can be had, and the devices it drives."""

    name: str
    title: str
    versions: tuple[str, ...]
    devices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TargetCard:
    """A kind of machine, or one at an address. ``machines`` are those behind it ``here``, with their ``facts``; of the
    first also by themselves what it is: ``hardware``, *emulated* or *simulated* (``nature``), the class that its
    baselines are kept by, its device, its memory in bytes. Of one that is not here ``reason`` says why, ``hint`` what
    would get it.
    """

    name: str
    about: str
    here: bool
    nature: str | None
    machine_class: str | None
    device: str | None
    memory: int | None
    machines: tuple[Mapping[str, Any], ...]
    reason: str | None
    hint: str | None

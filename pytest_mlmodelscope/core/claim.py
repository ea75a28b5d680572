"""What a model's author published, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

Direction = Literal["higher", "lower", "equal"]
Relation = Literal["same", "sample", "other"]
Measures = Literal["model", "end_to_end"]

NOTHING: Mapping[str, Any] = MappingProxyType({})
#: The unit of a check's claim.
COUNTEREXAMPLES = "counterexamples"
#: What stands for the title of a source where nobody published what is checked.
OWN_REQUIREMENT = "a requirement of the claim file itself"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a measured value may lie from the published one.

    ``amount`` is in the claim's unit when ``kind`` is absolute, a fraction of the published
    value when it is relative. ``derived`` says that the author of the claim file gave none and
    half a unit of the last published digit was taken.
    """

    kind: Literal["absolute", "relative"]
    amount: float
    derived: bool = False

    def margin(self, value: float) -> float:
        """The allowed distance in the claim's unit."""
        return self.amount if self.kind == "absolute" else abs(value) * self.amount


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure was published, precisely enough to look it up."""

    title: str
    figure: str
    where: str
    read: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    url: str | None = None
    doi: str | None = None
    quote: str | None = None
    verified: bool = True
    note: str | None = None


@dataclass(frozen=True, slots=True)
class DataUse:
    """The data that a claim speaks of, and what of it is at hand.

    ``relation`` is *same* (the items that the author used), *sample* (some of them) or *other*
    (different data: the figure is shown but never decides). ``published_items`` is how many
    items the author used, ``name`` and ``split`` are what is at hand, and ``items`` how many of them
    are evaluated: a fixed random sample, or all where it is None.
    """

    name: str
    split: str = "test"
    items: int | None = None
    relation: Relation = "same"
    published_name: str | None = None
    published_items: int | None = None


@dataclass(frozen=True, slots=True)
class Hardware:
    """A predicate on machines; what is None or empty is not asked for. ``memory`` is in bytes.

    ``memory``, ``cores``, ``driver``, ``cuda`` and ``compute_capability`` are the least that will do.
    """

    device: str | None = None
    arch: str | None = None
    name: str | None = None
    memory: int | None = None
    microarchitecture: str | None = None
    features: tuple[str, ...] = ()
    cores: int | None = None
    driver: str | None = None
    cuda: str | None = None
    compute_capability: str | None = None

    def __bool__(self) -> bool:
        return self != Hardware()


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what the figure was, or is to be, measured.

    ``frameworks`` are requirements such as ``pytorch`` or ``pytorch>=2``; empty means every
    framework that the model has. ``threads`` is the number of intra-op threads,
    ``percentile`` (0-100) the one that a latency claim is about, ``runs`` the number of fresh
    worker processes a timed figure rests on, ``seconds`` the least time measured in each, and ``queries``
    the least number of queries (None: as many as the percentile needs). Of some load patterns only: ``rate``
    (queries that arrive in a second), ``latency_bound`` (seconds that the percentile has to keep to) and
    ``samples_per_query``.
    """

    frameworks: tuple[str, ...] = ()
    hardware: Hardware = Hardware()
    precision: str = "fp32"
    batch: int | None = None
    threads: int | None = None
    scenario: str = "single_stream"
    percentile: float = 50.0
    measures: Measures = "model"
    runs: int = 5
    seconds: float = 1.0
    queries: int | None = None
    rate: float | None = None
    latency_bound: float | None = None
    samples_per_query: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One published figure, or one check. ``path`` and ``line`` say where the claim file states it.

    ``metric`` is the name of a member of ``group``. A check has no figure of its own: its value is
    that no counterexample is found, in ``COUNTEREXAMPLES``. ``on_request``: it is verified only where
    it is asked for.
    """

    id: str
    model: str
    metric: str
    value: float
    unit: str
    direction: Direction
    tolerance: Tolerance
    source: Source
    dataset: DataUse | None = None
    metric_options: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    conditions: Conditions = Conditions()
    note: str | None = None
    path: Path = Path()
    line: int = 1
    group: Literal["metrics", "checks"] = "metrics"
    on_request: bool = False

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest measured value that the claim admits, in its unit."""
        margin = self.tolerance.margin(self.value)
        low, high = self.value - margin, self.value + margin
        infinity = float("inf")
        if self.direction == "higher":
            return low, infinity
        if self.direction == "lower":
            return -infinity, high
        return low, high

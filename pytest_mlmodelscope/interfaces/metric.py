"""Metrics: from predictions and timings to one figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Kind = Literal["items", "outputs", "timed", "static", "device", "counted"]


@dataclass(frozen=True, slots=True)
class ItemEvidence:
    """Predictions and reference answers of the same items, in the same order.

    A prediction is None where the model gave no answer: it counts as wrong.
    """

    predictions: Sequence[Any]
    references: Sequence[Any]


@dataclass(frozen=True, slots=True)
class TimedEvidence:
    """One process run: ``latencies_s`` of each query (seconds), ``wall_s`` of all of them.

    ``samples`` is the number of items that the queries held together, ``percentile`` (0-100) the
    one that the claim is about, ``peak_bytes`` the worker's largest resident size. ``rate`` is how many queries
    arrived in a second, where they did so by themselves. Those of them that were not answered when the time was up
    are among the latencies, with the time that they had waited.
    """

    latencies_s: NDArray[np.float64]
    wall_s: float
    samples: int
    percentile: float
    peak_bytes: int
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class StaticEvidence:
    """What is known of a model without running it over data.

    ``file_bytes`` is the size of the assets that the framework loads, ``parameters`` the number
    of trained values (None where the framework cannot tell).
    """

    file_bytes: int
    parameters: int | None


@dataclass(frozen=True, slots=True)
class DeviceEvidence:
    """What a device or its tools tell of a model, by name: cycles, look-up tables, the clock.

    ``figures`` has those that the metric asked for (``FIGURES``), the same in every run.
    """

    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class CountedEvidence:
    """The instructions of single calls with one query, of all process runs."""

    calls: Sequence[int]


class Metric(Protocol):
    """One file in ``metrics/``."""

    KIND: Kind
    """Which evidence ``compute`` takes: items, timed (one process run), static, device or counted; with outputs it
    is that of items, whose predictions are what the model gave before any step made a decision of it.
    """

    BASE_UNIT: str
    """The unit of what ``compute`` returns: a base unit of ``core.units``."""

    DIRECTION: Literal["higher", "lower", "equal"]
    """Which way is better, for claims that do not say."""

    OPTIONS: Mapping[str, Any]
    """JSON Schema of the options that a claim may give."""

    def compute(self, evidence: Any, options: Mapping[str, Any]) -> float:
        """The figure, in ``BASE_UNIT``."""


class Proportion(Metric, Protocol):
    """A metric that is the share of items with some property, so that exact intervals exist."""

    def hits(self, evidence: ItemEvidence, options: Mapping[str, Any]) -> NDArray[np.bool_]:
        """One flag an item; ``compute`` is their mean."""


class OfDevice(Metric, Protocol):
    """A metric of what a device or its tools tell."""

    FIGURES: Sequence[str]
    """The names of the figures that ``compute`` needs, as predictors know them."""

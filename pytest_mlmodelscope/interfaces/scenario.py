"""Scenarios: the load pattern that a worker is put under (MLPerf's names).

They run inside the worker, next to the model, so the rules of ``predictor`` hold for them:
standard library and numpy only, in the syntax of the oldest Python that a framework declares.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypedDict


class Settings(TypedDict):
    """How long to load: until both ``min_queries`` and ``min_seconds`` are reached, after
    ``warmup`` untimed queries, and never longer than ``max_seconds``.
    """

    warmup: int
    min_queries: int
    min_seconds: float
    max_seconds: float
    samples: int
    batch: int


class Timings(TypedDict):
    """``latencies_ns`` of each query in the order they were issued, ``wall_ns`` of all of them,
    and how many ``samples`` they held together.
    """

    latencies_ns: list[int]
    wall_ns: int
    samples: int


class Scenario(Protocol):
    """One file in ``scenarios/``."""

    def run(self, query: Callable[[int], Any], settings: Settings) -> Timings:
        """Issue queries; ``query(i)`` runs the i-th of the prepared ones, and is complete on return."""

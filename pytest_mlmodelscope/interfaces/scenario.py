"""Scenarios: the load pattern that a worker is put under (MLPerf's names).

They run inside the worker, next to the model, so the rules of ``predictor`` hold for them:
standard library and numpy only, in the syntax of the oldest Python that a framework declares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NotRequired, Protocol, TypedDict


class Settings(TypedDict):
    """How long to load: until both ``min_queries`` and ``min_seconds`` are reached, after
    ``warmup`` untimed queries, and never longer than ``max_seconds``.

    ``samples`` queries are prepared, of ``batch`` items each. Scenarios whose queries are larger take
    ``samples_per_query`` items for one, those whose queries arrive by themselves let ``rate`` of them come in a
    second, at times that ``seed`` decides. The worker keeps the answers to the timed queries whose numbers ``keep``
    has.
    """

    warmup: int
    min_queries: int
    min_seconds: float
    max_seconds: float
    samples: int
    batch: int
    samples_per_query: NotRequired[int]
    rate: NotRequired[float | None]
    seed: NotRequired[int]
    keep: NotRequired[Sequence[int]]


class Timings(TypedDict):
    """``latencies_ns`` of each query in the order they were issued, ``wall_ns`` of all of them,
    and how many ``samples`` they held together.

    Of queries that arrive by themselves also when each was to arrive (``scheduled_ns``) and was asked
    (``issued_ns``), in nanoseconds from the start; their latencies go from the former. ``unserved_ns`` is for how
    long those had waited that were there and not yet asked when the time was up. ``answers`` has what the model gave,
    by query and output, where that was to be kept; ``logs`` the files of an engine that writes such, by their names.
    """

    latencies_ns: Sequence[int]
    wall_ns: int
    samples: int
    scheduled_ns: NotRequired[Sequence[int]]
    issued_ns: NotRequired[Sequence[int]]
    unserved_ns: NotRequired[Sequence[int]]
    answers: NotRequired[Mapping[int, Mapping[str, Any]]]
    logs: NotRequired[Mapping[str, str]]


class Scenario(Protocol):
    """One file in ``scenarios/``.

    Constants may say more of it: ``PERCENTILE`` is that of a claim that names none (else 50),
    ``SAMPLES_PER_QUERY`` the same of the items in a query (else the batch), ``NEEDS`` are the conditions without
    which there is no such load, and ``MEASURES`` those of *model* and *end_to_end* that can be measured (else both).
    ``MLPERF`` is what LoadGen calls it, where it has such a load.
    """

    def run(self, query: Callable[[int], Any], settings: Settings) -> Timings:
        """Issue queries; ``query(i)`` runs the i-th of the prepared ones, and is complete on return."""

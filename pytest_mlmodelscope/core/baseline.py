"""What a target measured before, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_mlmodelscope.core.claim import NOTHING, Direction
from pytest_mlmodelscope.core.result import Interval


@dataclass(frozen=True, slots=True)
class Baseline:
    """The figure of one case as one machine class once measured it.

    ``value``, ``noise``, ``interval`` and ``runs`` (one figure a process run or a counted call)
    are in ``unit``; ``noise`` is how far two measurements of the same thing may differ.
    ``predictions`` is the digest of the predictions of single items, ``recorded`` the ISO date and
    time, ``commit`` the state of the repository then. ``where`` is the file it was read from.
    """

    case_id: str
    claim: str
    metric: str
    unit: str
    direction: Direction
    value: float
    noise: float
    n: int
    runs: tuple[float, ...] = ()
    conditions: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    model_digest: str = ""
    data_digest: str | None = None
    recorded: str = ""
    software: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    predictions: str | None = None
    interval: Interval | None = None
    commit: str | None = None
    where: str = ""

"""Throughput: samples a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.metric import Kind, TimedEvidence

KIND: Final[Kind] = "timed"
BASE_UNIT: Final = "1/s"
DIRECTION: Final = "higher"
OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": {}}


def compute(evidence: TimedEvidence, options: Mapping[str, Any]) -> float:
    """Samples over wall time, from the first query's start to the last one's end; NaN without time."""
    return evidence.samples / evidence.wall_s if evidence.wall_s > 0 else float("nan")

"""Peak memory: the largest resident size of the worker, framework and model together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.metric import Kind, TimedEvidence

KIND: Final[Kind] = "timed"
BASE_UNIT: Final = "B"
DIRECTION: Final = "lower"
OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": {}}


def compute(evidence: TimedEvidence, options: Mapping[str, Any]) -> float:
    """Bytes."""
    return float(evidence.peak_bytes)

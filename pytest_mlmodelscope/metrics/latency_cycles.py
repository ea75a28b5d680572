"""Latency in cycles: clock periods from the edge that takes an item in to the one after which all outputs are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.metric import DeviceEvidence, Kind

KIND: Final[Kind] = "device"
FIGURES: Final = ("latency_cycles",)
BASE_UNIT: Final = "cycles"
DIRECTION: Final = "lower"
OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": {}}


def compute(evidence: DeviceEvidence, options: Mapping[str, Any]) -> float:
    """Cycles."""
    return evidence.figures["latency_cycles"]

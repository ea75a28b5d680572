"""Placed latency: the cycles of a circuit's latency at the clock that its router says is reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.metric import DeviceEvidence, Kind

KIND: Final[Kind] = "device"
FIGURES: Final = ("latency_cycles", "clock_hz")
BASE_UNIT: Final = "s"
DIRECTION: Final = "lower"
OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": {}}


def compute(evidence: DeviceEvidence, options: Mapping[str, Any]) -> float:
    """Seconds."""
    return evidence.figures["latency_cycles"] / evidence.figures["clock_hz"]

"""Placed throughput: items a second at the clock that a circuit's router says is reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.metric import DeviceEvidence, Kind

KIND: Final[Kind] = "device"
FIGURES: Final = ("initiation_interval", "clock_hz")
BASE_UNIT: Final = "1/s"
DIRECTION: Final = "higher"
OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": {}}


def compute(evidence: DeviceEvidence, options: Mapping[str, Any]) -> float:
    """Items a second."""
    return evidence.figures["clock_hz"] / evidence.figures["initiation_interval"]

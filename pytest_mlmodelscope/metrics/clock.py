"""Clock: the highest frequency at which a placed and routed circuit keeps its times, as its router says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.metric import DeviceEvidence, Kind

KIND: Final[Kind] = "device"
FIGURES: Final = ("clock_hz",)
BASE_UNIT: Final = "Hz"
DIRECTION: Final = "higher"
OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": {}}


def compute(evidence: DeviceEvidence, options: Mapping[str, Any]) -> float:
    """Hertz."""
    return evidence.figures["clock_hz"]

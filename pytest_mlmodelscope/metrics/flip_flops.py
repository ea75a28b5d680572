"""Flip-flops that a circuit takes of a device, as its router counts them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.metric import DeviceEvidence, Kind

KIND: Final[Kind] = "device"
FIGURES: Final = ("flip_flops",)
BASE_UNIT: Final = "FF"
DIRECTION: Final = "lower"
OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": {}}


def compute(evidence: DeviceEvidence, options: Mapping[str, Any]) -> float:
    """Flip-flops."""
    return evidence.figures["flip_flops"]

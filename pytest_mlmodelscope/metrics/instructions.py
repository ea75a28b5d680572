"""Instructions: how many the processor executes for one query, the same on every run of an emulated machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.metric import CountedEvidence, Kind

KIND: Final[Kind] = "counted"
BASE_UNIT: Final = "instructions"
DIRECTION: Final = "lower"
OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": {}}
#: The worker counts them itself, whatever the framework.
FIGURES: Final = ("instructions",)


def compute(evidence: CountedEvidence, options: Mapping[str, Any]) -> float:
    """The median of the calls that were counted."""
    return float(evidence.figures["instructions"])

"""Instructions: how many the processor executes for one query, the same on every run of an emulated machine."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any, Final

from pytest_mlmodelscope.interfaces.metric import CountedEvidence, Kind

KIND: Final[Kind] = "counted"
BASE_UNIT: Final = "instructions"
DIRECTION: Final = "lower"
OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": {}}


def compute(evidence: CountedEvidence, options: Mapping[str, Any]) -> float:
    """The median of the calls that were counted."""
    return float(median(evidence.calls))

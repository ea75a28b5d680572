"""Server rate: the most queries a second that a model answers within a latency bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.metric import Kind, TimedEvidence

KIND: Final[Kind] = "timed"
BASE_UNIT: Final = "1/s"
DIRECTION: Final = "higher"
OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": {}}
#: The scenario that it is of, which of its conditions is found out, and which is needed to find it.
SCENARIO: Final = "server"
FINDS: Final = ("rate",)
NEEDS: Final = ("latency_bound",)


def compute(evidence: TimedEvidence, options: Mapping[str, Any]) -> float:
    """The rate of the run in which the percentile of the latencies kept to the bound; NaN where none was looked for."""
    return float("nan") if evidence.rate is None else evidence.rate

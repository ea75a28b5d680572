"""Latency: the time of one query, at the percentile that the claim is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.interfaces.metric import Kind, TimedEvidence

KIND: Final[Kind] = "timed"
BASE_UNIT: Final = "s"
DIRECTION: Final = "lower"
OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": {}}
#: The figure is a percentile, of which few queries show little.
OF_PERCENTILE: Final = True


def compute(evidence: TimedEvidence, options: Mapping[str, Any]) -> float:
    """Seconds that so many per cent of the queries did not exceed; NaN without queries.

    The inverted empirical distribution, as MLPerf's LoadGen takes it: always a latency that was
    really observed, never one between two.
    """
    if not len(evidence.latencies_s):
        return float("nan")
    return float(np.percentile(evidence.latencies_s, evidence.percentile, method="inverted_cdf"))

"""Pearson's correlation of the values of predicted and reference scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.metric import ItemEvidence, Kind
from pytest_mlmodelscope.metrics._pairs import pairs_of

KIND: Final[Kind] = "items"
BASE_UNIT: Final = "1"
DIRECTION: Final = "higher"
OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": {}}


def compute(evidence: ItemEvidence, options: Mapping[str, Any]) -> float:
    """The coefficient, -1 to 1; NaN where it does not exist or an item has no answer."""
    from scipy.stats import pearsonr

    pairs = pairs_of(evidence)
    return float("nan") if pairs is None else float(pearsonr(*pairs).statistic)

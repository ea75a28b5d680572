"""Exact outputs: the share of items for which every number that the model gives is the reference, to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.metric import ItemEvidence, Kind
from pytest_mlmodelscope.metrics._labels import share

KIND: Final[Kind] = "outputs"
BASE_UNIT: Final = "1"
DIRECTION: Final = "higher"
OPTIONS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"output": {"description": "which of the model's outputs (default: its first)", "type": "string"}},
}


def hits(evidence: ItemEvidence, options: Mapping[str, Any]) -> NDArray[np.bool_]:
    """One flag an item: all of its numbers are the reference's."""
    pairs = zip(evidence.predictions, evidence.references, strict=True)
    return np.array([given is not None and np.array_equal(given, wanted) for given, wanted in pairs], dtype=bool)


def compute(evidence: ItemEvidence, options: Mapping[str, Any]) -> float:
    """The share of items whose outputs are exact, 0 to 1; NaN without items."""
    return share(hits(evidence, options))

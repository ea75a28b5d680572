"""Error rate: the share of items whose prediction is not the reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.metric import ItemEvidence, Kind
from pytest_mlmodelscope.metrics._labels import BANDS_OPTIONS, labels_of, matches, share

KIND: Final[Kind] = "items"
BASE_UNIT: Final = "1"
DIRECTION: Final = "lower"
OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": BANDS_OPTIONS}


def hits(evidence: ItemEvidence, options: Mapping[str, Any]) -> NDArray[np.bool_]:
    """One flag an item: the prediction is wrong or missing."""
    return ~matches(*labels_of(evidence, options))


def compute(evidence: ItemEvidence, options: Mapping[str, Any]) -> float:
    """The share of wrong items, 0 to 1; NaN without items."""
    return share(hits(evidence, options))

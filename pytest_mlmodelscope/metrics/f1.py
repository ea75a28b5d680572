"""F1 score: the harmonic mean of precision and recall, averaged after it was taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.metric import ItemEvidence, Kind
from pytest_mlmodelscope.metrics import _scores

KIND: Final[Kind] = "items"
BASE_UNIT: Final = "1"
DIRECTION: Final = "higher"
OPTIONS: Final = _scores.OPTIONS


def compute(evidence: ItemEvidence, options: Mapping[str, Any]) -> float:
    """The F1 score, averaged over classes as ``average`` says."""
    return _scores.scores(evidence, options)[2]

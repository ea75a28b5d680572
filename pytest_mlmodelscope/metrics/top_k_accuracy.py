"""Top-k accuracy: the share of items whose reference is among the k best predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.metric import ItemEvidence, Kind
from pytest_mlmodelscope.metrics._labels import refuse_other_kind, share

KIND: Final[Kind] = "items"
BASE_UNIT: Final = "1"
DIRECTION: Final = "higher"
OPTIONS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["k"],
    "properties": {"k": {"description": "how many guesses an item has", "type": "integer", "minimum": 1}},
}


def hits(evidence: ItemEvidence, options: Mapping[str, Any]) -> NDArray[np.bool_]:
    """One flag an item; a prediction is a sequence of labels, best first.

    Raises:
        UsageError: a prediction is no sequence, or holds fewer than k labels.
    """
    k = options["k"]
    _check(evidence, k)
    pairs = zip(evidence.predictions, evidence.references, strict=True)
    flags = (best is not None and reference in list(best[:k]) for best, reference in pairs)
    return np.fromiter(flags, np.bool_, len(evidence.references))


def _check(evidence: ItemEvidence, k: int) -> None:
    first = next((best for best in evidence.predictions if best is not None), None)
    if first is None:
        return
    if isinstance(first, str) or not hasattr(first, "__len__") or len(first) < k:
        raise UsageError(
            f"top-{k} accuracy needs {k} labels an item, best first",
            got=repr(first),
            hint=f"let the model's output end with the step top_k: {{k: {k}}} (or more)",
        )
    refuse_other_kind(list(first), evidence.references)


def compute(evidence: ItemEvidence, options: Mapping[str, Any]) -> float:
    """The share of items with a hit, 0 to 1; NaN without items."""
    return share(hits(evidence, options))

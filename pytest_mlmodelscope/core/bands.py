"""Bands: a score becomes a class by its place among cut points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pytest_mlmodelscope.core.errors import UsageError

BANDS_SCHEMA: Final[dict[str, Any]] = {
    "description": "in order, the first that fits: label, and at_least, at_most, above or below a score",
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["label"],
        "additionalProperties": False,
        "properties": {
            "label": {"description": "the class", "type": ["string", "integer", "boolean"]},
            "at_least": {"description": "the lowest score in it", "type": "number"},
            "above": {"description": "scores in it are greater than this", "type": "number"},
            "at_most": {"description": "the highest score in it", "type": "number"},
            "below": {"description": "scores in it are less than this", "type": "number"},
        },
    },
}


def by_band(bands: Sequence[Mapping[str, Any]]) -> Callable[[float], Any]:
    """A function from a score to the label of the first band that holds it.

    It raises UsageError for a score that no band holds (NaN among them).
    """
    inf = float("inf")
    edges = [
        (
            (band.get("at_least", -inf), band.get("at_most", inf)),
            (band.get("above", -inf), band.get("below", inf)),
            band["label"],
        )
        for band in bands
    ]

    def label(score: float) -> Any:
        for (low, high), (above, below), name in edges:
            if low <= score <= high and (above < score or above == -inf) and (score < below or below == inf):
                return name
        raise UsageError(f"no band holds the score {score}", hint="end the list with a band that has a label only")

    return label

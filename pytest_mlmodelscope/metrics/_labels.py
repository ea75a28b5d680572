"""Predicted against reference labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.bands import BANDS_SCHEMA, by_band
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.metric import ItemEvidence

BANDS_OPTIONS: Final[dict[str, Any]] = {
    "bands": {**BANDS_SCHEMA, "description": "how predicted scores become classes, in order, the first that fits"},
    "reference_bands": {**BANDS_SCHEMA, "description": "the same for the references (default: as `bands`)"},
}


def labels_of(evidence: ItemEvidence, options: Mapping[str, Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """Predicted and reference labels as lists, scores made classes where the options say how.

    Raises:
        UsageError: the two differ in number, or one holds text and the other numbers.
    """
    predictions, references = _listed(evidence.predictions), _listed(evidence.references)
    if len(predictions) != len(references):
        raise UsageError("predictions and references differ in number", expected=len(references), got=len(predictions))
    if "bands" in options:
        predictions = _classes(predictions, options["bands"])
        references = _classes(references, options.get("reference_bands", options["bands"]))
    refuse_other_kind(predictions, references)
    return predictions, references


def _listed(values: Sequence[Any]) -> Sequence[Any]:
    tolist = getattr(values, "tolist", None)  # items of an array compare three times as slowly
    return values if tolist is None else list(tolist())


def _classes(scores: Sequence[Any], bands: Sequence[Mapping[str, Any]]) -> list[Any]:
    label = by_band(bands)
    return [None if score is None else label(score) for score in scores]


def refuse_other_kind(predictions: Sequence[Any], references: Sequence[Any]) -> None:
    """Refuse text against numbers, or several labels against one: no item could ever match, and the
    figure would look like a bad model's.

    Raises:
        UsageError: the first answer and the first reference are of different kinds.
    """
    prediction = next((value for value in predictions if value is not None), None)
    reference = next((value for value in references if value is not None), None)
    if prediction is not None and reference is not None and _kind(prediction) != _kind(reference):
        raise UsageError(
            "predictions and references are of different kinds",
            expected=f"like the reference {reference!r}",
            got=repr(prediction)[:160],
            hint="let the model's output end with a step (argmax, labels, map) that gives the dataset's labels"
            + (", or use top_k_accuracy" if _kind(prediction) == "several" else ""),
        )


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    return "several" if hasattr(value, "__len__") else "number"


def matches(predictions: Sequence[Any], references: Sequence[Any]) -> NDArray[np.bool_]:
    """One flag an item: the prediction is the reference. No answer is wrong."""
    pairs = zip(predictions, references, strict=True)
    return np.fromiter((a is not None and a == b for a, b in pairs), np.bool_, len(predictions))


def share(flags: NDArray[np.bool_]) -> float:
    """The mean of the flags; NaN where there are none."""
    return float(flags.mean()) if flags.size else float("nan")

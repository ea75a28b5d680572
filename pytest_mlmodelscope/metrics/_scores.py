"""Precision, recall and F1 come from one computation (scikit-learn's)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.core.errors import UsageError, did_you_mean
from pytest_mlmodelscope.interfaces.metric import ItemEvidence
from pytest_mlmodelscope.metrics._labels import BANDS_OPTIONS, labels_of

OPTIONS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["average"],
    "properties": {
        "average": {
            "description": "over the classes: each alike, by their items, over all items, or of one class only",
            "enum": ["macro", "weighted", "micro", "binary"],
        },
        "positive": {
            "description": "the class that a binary average is about",
            "type": ["string", "integer", "boolean"],
        },
        "zero_division": {"description": "what 0/0 counts as (default: 0)", "type": "number", "enum": [0, 1]},
        **BANDS_OPTIONS,
    },
    "if": {"properties": {"average": {"const": "binary"}}, "required": ["average"]},
    "then": {"required": ["positive"]},
}


def scores(evidence: ItemEvidence, options: Mapping[str, Any]) -> tuple[float, float, float]:
    """Precision, recall and F1, averaged over every class that occurs in predictions or references.

    No answer is an answer of no class: it lowers recall and touches no precision.

    Raises:
        UsageError: the positive class does not occur.
    """
    from sklearn.metrics import precision_recall_fscore_support

    predictions, references = labels_of(evidence, options)
    if not references:
        return (float("nan"),) * 3
    codes = {label: code for code, label in enumerate(dict.fromkeys((*references, *predictions))) if label is not None}
    average, counted = options["average"], list(codes.values())
    if average == "binary":
        average, counted = "macro", [_positive(options["positive"], codes)]
    precision, recall, f1, _ = precision_recall_fscore_support(
        _coded(references, codes),
        _coded(predictions, codes),
        labels=counted,
        average=average,
        zero_division=options.get("zero_division", 0),
    )
    return float(precision), float(recall), float(f1)


def _coded(labels: Sequence[Any], codes: Mapping[Any, int]) -> Any:
    return np.fromiter((codes.get(label, -1) for label in labels), np.int64, len(labels))


def _positive(label: Any, codes: Mapping[Any, int]) -> int:
    if label not in codes:
        raise UsageError(f'the positive class "{label}" does not occur', hint=did_you_mean(str(label), map(str, codes)))
    return codes[label]

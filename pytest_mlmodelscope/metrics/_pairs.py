"""Pairs of numbers for correlations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.metric import ItemEvidence

_Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def pairs_of(evidence: ItemEvidence) -> _Pair | None:
    """Predicted and reference scores; None where no correlation exists.

    That is: fewer than two items, one side all the same, or an item without an answer (which no
    number can stand for, and which must not be dropped).

    Raises:
        UsageError: a prediction or a reference is not a number.
    """
    if any(value is None for value in evidence.predictions):
        return None
    predicted, reference = _numbers("prediction", evidence.predictions), _numbers("reference", evidence.references)
    if predicted.size < 2 or np.ptp(predicted) == 0 or np.ptp(reference) == 0:
        return None
    return predicted, reference


def _numbers(what: str, values: object) -> NDArray[np.float64]:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise UsageError(
            f"a correlation needs numbers, and a {what} is none",
            hint="use a metric for labels, or read the label column as a number",
        ) from None

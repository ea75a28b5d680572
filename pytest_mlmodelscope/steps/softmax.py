"""Turn scores into shares that sum to 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import floating
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema()


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From scores to ``exp(score) / sum(exp(score))`` along the last axis."""

    def softmax(value: Any) -> NDArray[Any]:
        scores = floating("softmax", value)
        # The largest is taken away first: exp(1000) is no number.
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares: NDArray[Any] = powers / powers.sum(axis=-1, keepdims=True)
        return shares

    return softmax

"""The places of the k largest scores, the largest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import array
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {"k": {"description": "how many", "type": "integer", "minimum": 1}},
    required=["k"],
)
CHOOSES: Final = "several"


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], list[int]]:
    """From scores (of any shape) to a list of k indexes; of equals the first one first."""
    k = options["k"]

    def top_k(value: Any) -> list[int]:
        scores = array("top_k", value).reshape(-1)
        best: list[int] = np.argsort(-scores.astype(np.float64), kind="stable")[:k].tolist()
        return best

    return top_k


def make_batched(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], list[list[int]]]:
    """The same for many items."""
    k = options["k"]

    def top_k(values: Any) -> list[list[int]]:
        scores = array("top_k", values).reshape(len(values), -1)
        best: list[list[int]] = np.argsort(-scores.astype(np.float64), axis=1, kind="stable")[:, :k].tolist()
        return best

    return top_k

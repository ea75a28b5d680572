"""Cut or fill a sequence of numbers to a length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import array
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "length": {"description": "of the first axis", "type": "integer", "minimum": 1},
        "keep": {"description": "what stays of a longer one (default: start)", "enum": ["start", "end"]},
    },
    required=["length"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From an array to one whose first axis has this length; a shorter one is filled with zeros on its right."""
    length, end = options["length"], options.get("keep") == "end"

    def fit_length(value: Any) -> NDArray[Any]:
        values = array("fit_length", value)
        cut = values[-length:] if end else values[:length]
        return np.pad(cut, [(0, length - len(cut)), *[(0, 0)] * (values.ndim - 1)])

    return fit_length

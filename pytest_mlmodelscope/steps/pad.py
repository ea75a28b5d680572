"""Pad a picture, or a sequence of numbers, to a size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import array
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "size": {
            "description": "the lengths of the first axes, such as [height, width] or [samples]",
            "type": "array",
            "items": {"type": "integer", "minimum": 1},
            "minItems": 1,
        },
        "value": {"description": "what is put in (default: 0)", "type": "number"},
        "keep": {
            "description": "where the old values end up (default: centre)",
            "enum": ["start", "centre", "end"],
        },
    },
    required=["size"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From an array to one whose first axes have these lengths.

    Raises UsageError for an array that is longer already, or has fewer axes.
    """
    size, fill, keep = options["size"], options.get("value", 0), options.get("keep", "centre")

    def pad(value: Any) -> NDArray[Any]:
        values = array("pad", value)
        shape = values.shape[: len(size)]
        if len(shape) < len(size) or any(have > want for have, want in zip(shape, size, strict=True)):
            raise UsageError("cannot be padded to a smaller size", expected=f"at most {size}", got=list(values.shape))
        missing = [want - have for have, want in zip(shape, size, strict=True)]
        before = [{"start": 0, "centre": rest // 2, "end": rest}[keep] for rest in missing]
        widths = [(first, rest - first) for first, rest in zip(before, missing, strict=True)]
        widths += [(0, 0)] * (values.ndim - len(size))
        return np.pad(values, widths, constant_values=fill)

    return pad

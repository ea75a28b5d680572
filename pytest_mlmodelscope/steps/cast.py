"""Change the type of the elements."""

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
        "dtype": {
            "description": "of the elements",
            "enum": [
                *("float16", "float32", "float64", "bool"),
                *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
            ],
        },
        "rounding": {
            "description": "from fractions to whole numbers: towards zero (default), or to the nearest, halves to even",
            "enum": ["truncate", "nearest"],
        },
    },
    required=["dtype"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From numbers, or text that is one (as tables hold them); what a whole-number type cannot hold
    becomes its nearest end.
    """
    dtype, nearest = np.dtype(options["dtype"]), options.get("rounding") == "nearest"

    def cast(value: Any) -> NDArray[Any]:
        values = array("cast", _read(value))
        if dtype.kind not in "iu" or values.dtype == dtype:
            return values.astype(dtype, copy=False)
        if values.dtype.kind == "f":
            values = np.rint(values) if nearest else np.trunc(values)
        return _saturated(values, dtype)

    return cast


#: Element by element: many items at once are a larger array.
make_batched = make


def _read(value: Any) -> Any:
    """Text, or a list of texts, as numbers: whole ones where all are, so that large ones stay exact.

    Raises:
        UsageError: a text is no number.
    """
    texts = [value] if isinstance(value, str) else value
    if not (isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts)):
        return value
    for number in (int, float):
        try:
            read = np.asarray([number(text) for text in texts])
        except ValueError:
            continue
        return read[0] if isinstance(value, str) else read
    raise UsageError("the step cast takes numbers, or text that is one", got=repr(value)[:80])


def _saturated(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    ends = np.iinfo(dtype)
    with np.errstate(invalid="ignore"):
        cast: NDArray[Any] = values.astype(dtype)
    # Compared as Python numbers: 2**63 - 1 is no float64, and clip would round it up.
    cast = np.where(values >= ends.max, dtype.type(ends.max), cast)
    return np.where(values <= ends.min, dtype.type(ends.min), cast)

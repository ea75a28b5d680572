"""Values as numpy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.errors import UsageError


def array(step: str, value: Any) -> NDArray[Any]:
    """The value as an array, without a copy where it is one.

    Raises:
        UsageError: it is text, bytes or a path.
    """
    found = np.asarray(value)
    if found.dtype.kind not in "biufc":
        raise UsageError(
            f"the step {step} takes numbers",
            got=type(value).__name__,
            hint="give the input one of its fields: `field: NAME`"
            if isinstance(value, dict)
            else "put a step that makes them (decode, byte_window) before it",
        )
    return found


def floating(step: str, value: Any) -> NDArray[Any]:
    """The same in float32, or in float64 where it is that already."""
    found = array(step, value)
    return found if found.dtype == np.float64 else found.astype(np.float32, copy=False)


def picture(step: str, value: Any) -> NDArray[Any]:
    """The same for a picture of height, width and channels.

    Raises:
        UsageError: it has another number of axes.
    """
    found = array(step, value)
    if found.ndim != 3:
        raise UsageError(
            f"the step {step} takes a picture of height, width and channels",
            got=f"the shape {list(found.shape)}",
            hint="put `decode` before it, and `layout` after it",
        )
    return found

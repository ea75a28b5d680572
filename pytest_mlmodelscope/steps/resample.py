"""Change the rate of a recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import gcd
from typing import Any, Final

from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import floating
from pytest_mlmodelscope.steps._schema import options as schema

_RATE: Final = {"type": "integer", "minimum": 1}
OPTIONS: Final = schema(
    {
        "from": {**_RATE, "description": "samples a second as they come"},
        "to": {**_RATE, "description": "samples a second as wanted"},
    },
    required=["from", "to"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From sound at one rate to sound at another along the first axis, by SciPy's polyphase filter."""
    common = gcd(options["to"], options["from"])
    up, down = options["to"] // common, options["from"] // common

    def resample(value: Any) -> NDArray[Any]:
        from scipy.signal import resample_poly

        sound: NDArray[Any] = resample_poly(floating("resample", value), up, down, axis=0)
        return sound

    return resample

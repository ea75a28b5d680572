"""Reverse the order of the colour channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import picture
from pytest_mlmodelscope.steps._schema import options as schema

_ORDER: Final = {"enum": ["RGB", "BGR"]}
OPTIONS: Final = schema(
    {
        "from": {**_ORDER, "description": "the order of the channels as they come"},
        "to": {**_ORDER, "description": "the order wanted"},
    },
    required=["from", "to"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From [height, width, channels] to the same with its channels in the other order."""
    if options["from"] == options["to"]:
        return lambda value: picture("colour", value)
    return lambda value: np.ascontiguousarray(picture("colour", value)[..., ::-1])

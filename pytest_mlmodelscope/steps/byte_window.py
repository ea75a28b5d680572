"""The first and the last bytes of a file as numbers, as Magika takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._schema import options as schema

_COUNT: Final = {"type": "integer", "minimum": 0}
OPTIONS: Final = schema(
    {
        "beginning": {**_COUNT, "description": "bytes from the beginning"},
        "end": {**_COUNT, "description": "bytes from the end"},
        "block": {
            "description": "of which part at either side blanks are stripped before the bytes are taken",
            "type": "integer",
            "minimum": 1,
        },
        "padding": {"description": "the number that fills up a short file (default: 256)", "type": "integer"},
    },
    required=["beginning", "end", "block"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[bytes], NDArray[np.int32]]:
    """From bytes to int32 [beginning + end].

    The first block loses the blanks on its left, the last block those on its right; a short
    beginning is filled up on the right, a short end on the left.
    """
    beginning, end, block = options["beginning"], options["end"], options["block"]
    padding = options.get("padding", 256)

    def byte_window(value: bytes) -> NDArray[np.int32]:
        first = value[:block].lstrip()[:beginning]
        last = value[-block:].rstrip()
        last = last[max(0, len(last) - end) :]
        window = np.full(beginning + end, padding, np.int32)
        window[: len(first)] = np.frombuffer(first, np.uint8)
        window[len(window) - len(last) :] = np.frombuffer(last, np.uint8)
        return window

    return byte_window

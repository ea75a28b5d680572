"""Make a coloured picture grey."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import picture
from pytest_mlmodelscope.steps._schema import options as schema

#: As Pillow and OpenCV convert (ITU-R BT.601), as newer screens do (BT.709), and without any weights.
_WEIGHTS: Final = {"bt601": (0.299, 0.587, 0.114), "bt709": (0.2126, 0.7152, 0.0722), "mean": (1 / 3, 1 / 3, 1 / 3)}

OPTIONS: Final = schema(
    {
        "weights": {"description": "of red, green and blue (default: bt601)", "enum": ["bt601", "bt709", "mean"]},
        "channels": {"description": "1 (default), or 3 that are alike", "enum": [1, 3]},
    }
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From [height, width, red green blue] to [height, width, channels]; uint8 stays uint8, all else is float32."""
    weights = np.asarray(_WEIGHTS[options.get("weights", "bt601")], np.float32)

    def grey(value: Any) -> NDArray[Any]:
        pixels = picture("grey", value)
        shades = (pixels.astype(np.float32) * weights).sum(-1, keepdims=True)
        shades = np.rint(shades).astype(np.uint8) if pixels.dtype == np.uint8 else shades
        return np.repeat(shades, options.get("channels", 1), axis=-1)

    return grey

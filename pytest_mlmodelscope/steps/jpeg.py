"""Compress a picture as JPEG and decode it again."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import array
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "quality": {
            "description": "as Pillow counts it (default: 75)",
            "type": "integer",
            "minimum": 1,
            "maximum": 100,
        },
    }
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[np.uint8]]:
    """From uint8 [height, width, channels] (or without channels) to the same, as it comes back."""
    quality = options.get("quality", 75)

    def jpeg(value: Any) -> NDArray[np.uint8]:
        from PIL import Image

        pixels = array("jpeg", value).astype(np.uint8, copy=False)
        file = io.BytesIO()
        Image.fromarray(pixels.squeeze(-1) if pixels.shape[2:] == (1,) else pixels).save(file, "JPEG", quality=quality)
        return np.array(Image.open(file)).reshape(pixels.shape)

    return jpeg

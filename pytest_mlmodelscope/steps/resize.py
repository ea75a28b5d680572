"""Resize a picture: by Pillow, whose filters widen when they shrink (antialias), or as other libraries do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import picture
from pytest_mlmodelscope.steps._sampling import sampled
from pytest_mlmodelscope.steps._schema import HEIGHT_WIDTH
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "size": {
            "description": "[height, width] in pixels, or the length of the shorter side",
            "anyOf": [{"type": "integer", "minimum": 1}, HEIGHT_WIDTH],
        },
        "interpolation": {
            "description": "as Pillow calls it (default: bilinear)",
            "enum": ["nearest", "bilinear", "bicubic", "lanczos", "box"],
        },
        "sampling": {
            "description": "antialias (default) as Pillow; half_pixel as OpenCV, and as PyTorch and TensorFlow 2 "
            "without antialias; corners as TensorFlow 1 with align_corners; asymmetric as TensorFlow 1 without",
            "enum": ["antialias", "half_pixel", "corners", "asymmetric"],
        },
        "keep_aspect": {
            "description": "with [height, width]: the largest of the old proportions that fits (default: false)",
            "type": "boolean",
        },
        "multiple": {
            "description": "both sides become the nearest multiple of this, at least one (default: 1)",
            "type": "integer",
            "minimum": 1,
        },
    },
    required=["size"],
)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From [height, width, channels] to the same of another size; uint8 stays uint8, all else is float32."""
    size, fit = options["size"], options.get("keep_aspect", False)
    of = options.get("multiple", 1)
    name, sampling = options.get("interpolation", "bilinear").upper(), options.get("sampling", "antialias")

    def resize(value: Any) -> NDArray[Any]:
        from PIL import Image

        pixels = picture("resize", value)
        target = _target(pixels.shape[0], pixels.shape[1], size, fit)
        height, width = (of * max(1, round(side / of)) for side in target)
        if sampling != "antialias":
            return sampled(pixels, (height, width), name.lower(), sampling)
        filtered = Image.Resampling[name]
        if pixels.dtype == np.uint8 and pixels.shape[2] == 3:
            return np.array(Image.fromarray(pixels).resize((width, height), filtered))
        plane = pixels.dtype if pixels.dtype == np.uint8 else np.float32
        planes = [Image.fromarray(np.ascontiguousarray(channel, plane)) for channel in np.moveaxis(pixels, 2, 0)]
        return np.stack([np.array(one.resize((width, height), filtered)) for one in planes], axis=2)

    return resize


def _target(height: int, width: int, size: int | Sequence[int], fit: bool) -> tuple[int, int]:
    if isinstance(size, int):
        # As torchvision: the longer side is cut, not rounded, to a whole pixel.
        short = min(height, width)
        return (size, width * size // short) if height <= width else (height * size // short, size)
    if not fit:
        return size[0], size[1]
    scale = min(size[0] / height, size[1] / width)
    return max(1, round(height * scale)), max(1, round(width * scale))

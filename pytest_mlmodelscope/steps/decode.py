"""Decode a picture: a file or its bytes become pixels."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {"colour": {"description": "order of the channels (default: RGB); L is grey", "enum": ["RGB", "BGR", "L"]}}
)
READS: Final = "picture"


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[np.uint8]]:
    """From a path or bytes to uint8 [height, width, channels], decoded and converted by Pillow.

    Pixels that are decoded already, uint8 [height, width, 3] in RGB, are only converted: a stage of a pipeline is
    given such. Raises DocumentError for what Pillow cannot read.
    """
    colour = options.get("colour", "RGB")

    def decode(value: Any) -> NDArray[np.uint8]:
        from PIL import Image

        source = io.BytesIO(value) if isinstance(value, bytes) else value
        try:
            with Image.fromarray(value) if isinstance(value, np.ndarray) else Image.open(source) as image:
                pixels = np.array(image.convert("L" if colour == "L" else "RGB"))
        except (OSError, SyntaxError, TypeError, ValueError, Image.DecompressionBombError) as error:
            where = shown_path(Path(value)) if isinstance(value, (str, Path)) else None
            raise DocumentError(f"is not a picture that can be read: {error}", where=where) from None
        if colour == "BGR":
            return np.ascontiguousarray(pixels[..., ::-1])
        return pixels[..., None] if colour == "L" else pixels

    return decode

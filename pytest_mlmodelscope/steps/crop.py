"""Crop a picture around its centre."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from numpy.typing import NDArray

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import picture
from pytest_mlmodelscope.steps._schema import SIZE, height_width
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema({"size": SIZE}, required=["size"])


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From [height, width, channels] to its centre; an odd rest is split as torchvision splits it.

    Raises UsageError for a picture that is smaller than the crop.
    """
    high, wide = height_width(options["size"])

    def crop(value: Any) -> NDArray[Any]:
        pixels = picture("crop", value)
        height, width = pixels.shape[:2]
        if height < high or width < wide:
            raise UsageError(
                "the picture is smaller than the crop",
                expected=f"at least {high} x {wide}",
                got=f"{height} x {width}",
                hint="put `resize` or `pad` before `crop`",
            )
        top, left = round((height - high) / 2), round((width - wide) / 2)
        return pixels[top : top + high, left : left + wide]

    return crop

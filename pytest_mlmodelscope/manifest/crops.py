"""Boxes, and what they hold of a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.step import StepContext

#: A box: its corners as [x, y] in shares of the picture's width and height, from the top left one clockwise.
CORNERS: Final = "corners"


def pixels_of(picture: Any) -> NDArray[np.uint8]:
    """The pixels of a picture (a path, bytes or pixels), uint8 [height, width, 3] in RGB.

    Raises:
        DocumentError: it cannot be read.
    """
    found: NDArray[np.uint8] = member("steps", "decode").make({}, StepContext({}))(picture)
    return found


def cut(pixels: NDArray[np.uint8], box: Any) -> NDArray[np.uint8]:
    """What a box holds of a picture, turned upright where the box lies aslant; at least one pixel each way.

    ``box`` is a mapping with ``corners``: four pairs of shares of the width and the height, from the top left one
    clockwise. A box may reach beyond the picture, which is black there, by as much as the picture is wide and high.

    Raises:
        UsageError: it is no such box.
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    corners = _corners(box) * (width, height)
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    size = max(1, round(float(max(sides[0], sides[2])))), max(1, round(float(max(sides[1], sides[3]))))
    # From the top left one against the clock, as Pillow has them.
    places = tuple(float(value) for value in corners[[0, 3, 2, 1]].ravel())
    drawn = Image.fromarray(pixels).transform(size, Image.Transform.QUAD, places, Image.Resampling.BICUBIC)
    return np.array(drawn)


def _corners(box: Any) -> NDArray[np.float64]:
    found = box.get(CORNERS) if isinstance(box, Mapping) else None
    try:
        corners = np.array(found, dtype=float)
    except (TypeError, ValueError):
        corners = np.empty(0)
    if corners.shape != (4, 2) or not np.isfinite(corners).all():
        raise UsageError(
            "is no box that could be cut out",
            expected=f"a mapping with `{CORNERS}`: four pairs of numbers",
            got=repr(box)[:160],
        )
    return corners.clip(-1, 2)

"""Boxes of the text in a picture, of a map that says of each pixel how likely it is text (as DB models give it)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.step import Kind, StepContext
from pytest_mlmodelscope.steps._array import floating
from pytest_mlmodelscope.steps._schema import options as schema

_SHARE: Final = {"type": "number", "minimum": 0, "maximum": 1}
OPTIONS: Final = schema(
    {
        "threshold": {**_SHARE, "description": "a pixel is text above this (default: 0.3)"},
        "score": {**_SHARE, "description": "regions with a lower mean are no text (default: 0.5)"},
        "grow": {
            "description": "boxes grow by their area over their circumference, so many times: models are taught on "
            "text that was shrunk (default: 1.6)",
            "type": "number",
            "minimum": 0,
        },
        "most": {
            "description": "as many boxes at most, the surest ones (default: 1000)",
            "type": "integer",
            "minimum": 1,
        },
    }
)
GIVES: Final = Kind("box", 1)

#: Pixels of the map that the shorter side of a region has at least.
_LEAST_SIDE: Final = 3
#: A region grows by this before it is looked at, as the models' authors do.
_DILATION: Final = np.ones((2, 2), dtype=bool)


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], list[dict[str, Any]]]:
    """From a map [height, width], with axes of 1 before it or not, to boxes in the order in which they are read.

    A box is ``corners`` (four [x, y] in shares of width and height, from the top left one clockwise) and ``score``.
    A region's box is the smallest rectangle around it that may lie aslant. The rule is that of Minghui Liao et al.,
    Real-time Scene Text Detection with Differentiable Binarization, arXiv:1911.08947, section 3.4.
    """
    threshold, least = options.get("threshold", 0.3), options.get("score", 0.5)
    grow, most = options.get("grow", 1.6), options.get("most", 1000)

    def text_boxes(value: Any) -> list[dict[str, Any]]:
        likely = _plane(value)
        found = [one for one in _regions(likely, threshold) if one[0] >= least]
        found = sorted(found, key=lambda one: -one[0])[:most]
        size = np.array(likely.shape[::-1], dtype=float)
        boxes = [{"corners": _grown(corners, grow) / size, "score": score} for score, corners in found]
        return [{**box, "corners": box["corners"].clip(0, 1).tolist()} for box in _in_reading_order(boxes)]

    return text_boxes


def _plane(value: Any) -> NDArray[Any]:
    likely = floating("text_boxes", value)
    if likely.ndim < 2 or any(length != 1 for length in likely.shape[:-2]):
        raise UsageError("the step text_boxes takes one map of height and width", got=f"the shape {list(likely.shape)}")
    plane: NDArray[Any] = likely.reshape(likely.shape[-2:])
    return plane


def _regions(likely: NDArray[Any], threshold: float) -> Iterator[tuple[float, NDArray[np.float64]]]:
    """The score of each region that is large enough, and the corners of the rectangle around it."""
    from scipy import ndimage

    labels, _ = ndimage.label(ndimage.binary_dilation(likely > threshold, _DILATION), np.ones((3, 3)))
    for number, place in enumerate(ndimage.find_objects(labels), 1):
        inside = labels[place] == number
        rows, columns = np.nonzero(inside)
        points = np.stack([columns + place[1].start, rows + place[0].start], axis=1).astype(float)
        corners = _rectangle(points)
        if corners is not None:
            yield float(likely[place][inside].mean()), corners


def _rectangle(points: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The smallest rectangle around points, which has a side along one of their hull; None where it is too small."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = points[ConvexHull(points).vertices]
    except QhullError:  # all of them on one line, or fewer than three
        return None
    edges = np.roll(hull, -1, axis=0) - hull
    along = edges / np.linalg.norm(edges, axis=1, keepdims=True)
    across = along[:, ::-1] * (-1, 1)
    u, v = hull @ along.T, hull @ across.T  # the place of each point in the axes of each edge
    wide, high = np.ptp(u, axis=0), np.ptp(v, axis=0)
    best = int(np.argmin(wide * high))
    if min(wide[best], high[best]) < _LEAST_SIDE:
        return None
    ends_u, ends_v = (u[:, best].min(), u[:, best].max()), (v[:, best].min(), v[:, best].max())
    places = np.array([(ends_u[0], ends_v[0]), (ends_u[1], ends_v[0]), (ends_u[1], ends_v[1]), (ends_u[0], ends_v[1])])
    return _from_top_left(places @ np.stack([along[best], across[best]]))


def _from_top_left(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left = by_x[:2][np.argsort(by_x[:2, 1], kind="stable")]
    right = by_x[2:][np.argsort(by_x[2:, 1], kind="stable")]
    return np.array([left[0], right[0], right[1], left[1]], dtype=np.float64)


def _grown(corners: NDArray[np.float64], times: float) -> NDArray[np.float64]:
    """The rectangle with each side moved outwards by area x ``times`` / circumference."""
    right, down = corners[1] - corners[0], corners[3] - corners[0]
    wide, high = float(np.linalg.norm(right)), float(np.linalg.norm(down))
    by = wide * high * times / (2 * (wide + high))
    along, across = by * right / wide, by * down / high
    moved: NDArray[np.float64] = corners + np.array([-along - across, along - across, along + across, across - along])
    return moved


def _in_reading_order(boxes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Line after line, each from the left: a box whose middle lies within the first one of a line belongs to it."""
    lines: list[list[dict[str, Any]]] = []
    for box in sorted(boxes, key=lambda one: float(one["corners"][:, 1].mean())):
        first = lines[-1][0]["corners"] if lines else None
        middle = box["corners"][:, 1].mean()
        if first is not None and middle <= first[2:, 1].mean():
            lines[-1].append(box)
        else:
            lines.append([box])
    return [box for line in lines for box in sorted(line, key=lambda one: float(one["corners"][0, 0]))]

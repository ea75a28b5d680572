"""Boxes of the faces in a picture, of planes that say of each place how likely, how large and where (as CenterFace)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
        "threshold": {**_SHARE, "description": "a place is the middle of a face above this (default: 0.5)"},
        "overlap": {
            **_SHARE,
            "description": "of two boxes of which more than this share lies in both, the surer stays (default: 0.3)",
        },
        "eyes": {
            "description": "turn each box so that the eyes lie at these places in it, [x, y] in shares of a square, "
            "the left one of the picture first (default: boxes are upright, as they were found)",
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": _SHARE},
        },
        "most": {
            "description": "as many faces at most, the surest ones (default: 1000)",
            "type": "integer",
            "minimum": 1,
        },
    }
)
GIVES: Final = Kind("box", 1)

#: Planes: how likely; log of height and width; how far down and right; (down, right) of five points in the box.
_PLANES: Final = 15
#: Pixels of the picture on a side of a place.
_STRIDE: Final = 4
#: The corners of a square, from the top left one clockwise: numbers are points in a plane, x + iy.
_SQUARE: Final = np.array([0, 1, 1 + 1j, 1j])


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], list[dict[str, Any]]]:
    """From planes [15, rows, columns], with axes of 1 before them or not, to boxes, the surest first.

    A box is ``corners`` (four [x, y] in shares of width and height, from the top left one clockwise), ``score``, and
    ``points`` in the same shares: left eye, right eye, nose, left and right corner of the mouth, as one sees them in
    the picture. The planes are those of Yuanyuan Xu et al., CenterFace: Joint Face Detection and Alignment Using Face
    as Point, arXiv:1911.03599, section 3.
    """
    threshold, overlap, most = options.get("threshold", 0.5), options.get("overlap", 0.3), options.get("most", 1000)
    eyes = np.array(options["eyes"]) @ (1, 1j) if "eyes" in options else None
    if eyes is not None and eyes[0] == eyes[1]:
        raise UsageError("the step face_boxes wants two places for two eyes", got=str(options["eyes"]))

    def face_boxes(value: Any) -> list[dict[str, Any]]:
        planes = _planes(value)
        size = np.array(planes.shape[:0:-1]) * _STRIDE
        scores, ends, points = _faces(planes, threshold, size)
        kept = _surest(scores, ends, overlap)[:most]
        turned = _upright(ends) if eyes is None else _turned(points[:, :2] @ (1, 1j), eyes)
        corners = np.stack([turned.real, turned.imag], axis=-1)
        return [
            {
                "corners": (corners[place] / size).tolist(),
                "score": float(scores[place]),
                "points": (points[place] / size).tolist(),
            }
            for place in kept
        ]

    return face_boxes


def _planes(value: Any) -> NDArray[Any]:
    planes = floating("face_boxes", value)
    if planes.ndim < 3 or planes.shape[-3] != _PLANES or any(length != 1 for length in planes.shape[:-3]):
        what = f"the step face_boxes takes {_PLANES} planes of one picture"
        raise UsageError(what, got=f"the shape {list(planes.shape)}")
    found: NDArray[Any] = planes.reshape(planes.shape[-3:]).astype(float)
    return found


def _faces(
    planes: NDArray[Any], threshold: float, size: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Of each place that is a face's middle: the score, [left, top, right, bottom], and five [x, y]; in pixels."""
    places = np.argwhere(planes[0] > threshold)
    of_each = planes[:, places[:, 0], places[:, 1]]
    # Down before right in the planes, right before down from here on.
    sides = np.exp(of_each[[2, 1]].T) * _STRIDE
    middles = (places[:, ::-1] + of_each[[4, 3]].T + 0.5) * _STRIDE
    starts = (middles - sides / 2).clip(0, size)
    ends = np.concatenate([starts, np.minimum(starts + sides, size)], axis=1)
    within = of_each[5:].T.reshape(-1, 5, 2)[:, :, ::-1]
    return of_each[0], ends, starts[:, None] + within * sides[:, None]


def _surest(scores: NDArray[Any], ends: NDArray[Any], overlap: float) -> list[int]:
    """The places of the boxes that stay, the surest first."""
    left, kept = np.argsort(-scores, kind="stable"), []
    while left.size:
        first, left = left[0], left[1:]
        kept.append(int(first))
        left = left[_shared(ends[first], ends[left]) <= overlap]
    return kept


def _shared(box: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """The area in both boxes as a share of the area in either."""
    sides = (np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])).clip(0)
    both = sides.prod(axis=1)
    area = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=1) - both
    shares: NDArray[Any] = np.divide(both, area, out=np.zeros_like(both), where=area > 0)
    return shares


def _upright(ends: NDArray[Any]) -> NDArray[Any]:
    return ends[:, [0, 2, 2, 0]] + 1j * ends[:, [1, 1, 3, 3]]


def _turned(found: NDArray[Any], eyes: NDArray[Any]) -> NDArray[Any]:
    """The corners of the squares in which the two points that were found lie at ``eyes``."""
    turn = (found[:, 1] - found[:, 0]) / (eyes[1] - eyes[0])
    corners: NDArray[Any] = found[:, :1] + turn[:, None] * (_SQUARE - eyes[0])
    return corners

"""Answers that are places in a picture, so that they can be drawn over it: boxes, and what was read or found there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pytest_mlmodelscope.manifest.crops import CORNERS

#: Places that are drawn of one answer, and characters that are told of each.
_MOST: Final = 300
_LONG: Final = 200
#: The size of a picture of which nobody knows it.
_SIZE: Final = (1000, 750)
#: Corners that lie nearer than this share of the picture are at the same place to whoever looks.
_NEAR: Final = 0.01


@dataclass(frozen=True, slots=True)
class Region:
    """One place. ``points`` are its corners in pixels, ``dots`` what was found in it (such as eyes), ``x`` and ``y``
    where its number stands; ``place`` says in words where it lies, ``score`` is what the model gives for it.
    """

    number: int
    corners: tuple[tuple[float, float], ...]
    points: str
    dots: tuple[tuple[float, float], ...]
    x: float
    y: float
    label: str
    score: float | None
    place: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The places of one answer in a picture of ``width`` x ``height`` pixels; ``left_out`` counts those too many."""

    width: int
    height: int
    regions: tuple[Region, ...]
    left_out: int = 0

    @property
    def letters(self) -> float:
        """How large numbers are drawn, in pixels of the picture."""
        return max(self.width, self.height) / 26


def seen(answer: Mapping[str, Any], size: Sequence[int] | None) -> Seen | None:
    """Where an answer, or the stage of a pipeline, found something in a picture of so many pixels; None where nowhere.

    What another stage decided of each place, one after another, is what is told of it.
    """
    parts = [answer.get("value"), *(answer.get("parts") or {}).values()]
    boxes = next((part for part in parts if _are_boxes(part)), None)
    if not boxes:
        return None
    texts = next((part for part in parts if _are_texts(part) and len(part) == len(boxes)), [""] * len(boxes))
    width, height = size or _SIZE
    told = zip(boxes[:_MOST], texts, strict=False)
    regions = (_region(number, box, text, width, height) for number, (box, text) in enumerate(told, 1))
    return Seen(width, height, tuple(regions), len(boxes[_MOST:]))


def alike(one: Seen, other: Seen) -> bool:
    """Whether two answers tell of the same places."""
    return len(one.regions) == len(other.regions) and all(
        a.label == b.label and _near(a.corners, b.corners) for a, b in zip(one.regions, other.regions, strict=True)
    )


def _near(ours: Sequence[tuple[float, float]], theirs: Sequence[tuple[float, float]]) -> bool:
    return len(ours) == len(theirs) and all(math.dist(a, b) <= _NEAR for a, b in zip(ours, theirs, strict=True))


def _are_boxes(part: Any) -> bool:
    return isinstance(part, list) and bool(part) and all(isinstance(box, dict) and _corners(box) for box in part)


def _are_texts(part: Any) -> bool:
    return isinstance(part, list) and all(isinstance(text, str) for text in part)


def _corners(box: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    """The corners in shares of width and height; none where they are no corners."""
    return _pairs(box.get(CORNERS))


def _pairs(found: Any) -> tuple[tuple[float, float], ...]:
    if not isinstance(found, list) or not all(_is_pair(pair) for pair in found):
        return ()
    return tuple((min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)) for x, y in found)


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, (int, float)) for one in pair)


def _region(number: int, box: Mapping[str, Any], text: str, width: int, height: int) -> Region:
    corners = _corners(box)
    pixels = [(x * width, y * height) for x, y in corners]
    score = box.get("score")
    return Region(
        number=number,
        corners=corners,
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in pixels),
        dots=tuple((round(x * width, 1), round(y * height, 1)) for x, y in _pairs(box.get("points"))[:_MOST]),
        x=round(min(x for x, _ in pixels), 1),
        y=round(min(y for _, y in pixels), 1),
        label=(text or str(box.get("label") or ""))[:_LONG],
        score=float(score) if isinstance(score, (int, float)) else None,
        place=_place(corners),
    )


def _place(corners: Iterable[tuple[float, float]]) -> str:
    """``12 to 40 % from the left, 5 to 9 % from the top``."""
    across, down = zip(*corners, strict=True)
    return f"{_span(across)} % from the left, {_span(down)} % from the top"


def _span(ends: Sequence[float]) -> str:
    return f"{100 * min(ends):.0f} to {100 * max(ends):.0f}"

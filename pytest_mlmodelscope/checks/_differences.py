"""How far two answers to the same query lie apart, and whether that is too far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.interfaces.check import Breach, Seen

TOLERANCE_OPTION: Final[dict[str, Any]] = {
    "description": "how far two outputs may lie apart; the larger of both counts where both are given",
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {
        "absolute": {"description": "in the output's own unit", "type": "number", "minimum": 0},
        "relative": {"description": "a fraction of the larger of two outputs", "type": "number", "minimum": 0},
    },
}
#: Options of a check that has no others.
ONLY_TOLERANCE: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"tolerance": TOLERANCE_OPTION},
}
#: For sums in single precision that were added up in another order.
ROUNDING: Final = {"absolute": 1e-4, "relative": 1e-4}
EXACT: Final = {"absolute": 0.0, "relative": 0.0}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Two numbers agree within ``absolute``, or within ``relative`` times the larger of the two."""

    absolute: float
    relative: float

    @classmethod
    def of(cls, options: Mapping[str, Any], default: Mapping[str, float]) -> Tolerance:
        """The one that a claim's options give, else the default."""
        given = options.get("tolerance", default)
        return cls(given.get("absolute", 0.0), given.get("relative", 0.0))

    def admits(self, one: Any, other: Any) -> Any:
        """One flag an element of two arrays of numbers."""
        size = np.maximum(np.abs(one), np.abs(other))
        with np.errstate(invalid="ignore"):
            near = np.abs(one - other) <= np.maximum(self.absolute, self.relative * size)
        return near | (one == other) | (np.isnan(one) & np.isnan(other))


def compared(pairs: Iterable[tuple[str, int, Any, Any]], tolerance: Tolerance, how: str) -> Seen:
    """What the answers of two sides show; ``pairs`` are (output, item, one side's, the other's).

    The breach is the pair that lies farthest apart; ``how`` names the two sides, as in "alone and in a
    batch". NaN on both sides is the same answer, on one side only it lies infinitely far.
    """
    largest, worst, breach = 0.0, -1.0, None
    for output, item, one, other in pairs:
        distance, what = _apart(one, other, tolerance)
        largest = max(largest, distance)
        if what is not None and distance > worst:
            worst, breach = distance, Breach(f"{what} {how}", output, item)
    return Seen(largest, breach)


def _apart(one: Any, other: Any, tolerance: Tolerance) -> tuple[float, str | None]:
    """The largest distance of two answers, and in words where it is too large."""
    left, right = np.asarray(one), np.asarray(other)
    if left.dtype.kind not in "fiub" or right.dtype.kind not in "fiub":
        return (0.0, None) if _equal(one, other) else (math.inf, f"{_short(one)} and {_short(other)}")
    if left.shape != right.shape:
        return math.inf, f"the shapes {list(left.shape)} and {list(right.shape)}"
    if not left.size:
        return 0.0, None
    a, b = left.astype(np.float64), right.astype(np.float64)
    distances = _distances(a, b)
    wrong = ~tolerance.admits(a, b)
    if not wrong.any():
        return float(distances.max()), None
    place = np.unravel_index(int(np.where(wrong, distances, -1.0).argmax()), wrong.shape)
    at = f" at {[int(index) for index in place]}" if place else ""
    return float(distances.max()), f"{a[place]:.9g} and {b[place]:.9g}{at}, {distances[place]:.3g} apart,"


def _distances(a: Any, b: Any) -> Any:
    with np.errstate(invalid="ignore"):
        found = np.abs(a - b)
    found[(a == b) | (np.isnan(a) & np.isnan(b))] = 0.0
    return np.where(np.isnan(found), math.inf, found)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return bool(np.array_equal(np.asarray(one), np.asarray(other)))
    return bool(one == other)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def itemwise(one: Mapping[str, Any], other: Mapping[str, Any], batched: bool) -> Iterator[tuple[str, int, Any, Any]]:
    """The pairs of two answers to the same query, item by item; outputs that both have."""
    for name, value in one.items():
        if name not in other:
            continue
        if batched and len(value) == len(other[name]):
            yield from ((name, item, a, b) for item, (a, b) in enumerate(zip(value, other[name], strict=True)))
        else:
            yield name, 0, value, other[name]


def first_differing(one: Sequence[Any], other: Sequence[Any]) -> list[int]:
    """The places at which two lists of decisions are not the same.

    Where no step of the manifest decides, a prediction is the output itself: numbers that rounding
    moves are no decision, and are held to the tolerance already.
    """
    pairs = enumerate(zip(one, other, strict=True))
    return [place for place, (a, b) in pairs if not (_is_real(a) and _is_real(b)) and not _equal(a, b)]


def _is_real(value: Any) -> bool:
    """Whether it is made of numbers with fractions."""
    return np.asarray(value).dtype.kind == "f"

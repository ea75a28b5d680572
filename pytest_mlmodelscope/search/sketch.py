"""Arrays by a short description: a picture has 150,000 numbers, but what is drawn and made smaller
are the few of its sketch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.core.manifest import Domain

#: Elements up to which an array is drawn one by one, and written out in words.
SMALL: Final = 64
_WRITTEN: Final = 16


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers of a domain as a dtype holds them: from ``low`` to ``high``, or only ``values``."""

    dtype: np.dtype[Any]
    low: float
    high: float
    values: tuple[Any, ...] = ()

    @classmethod
    def of(cls, domain: Domain, dtype: str) -> Range:
        """The range of a domain of numbers; its ends are moved inwards where the dtype has no such number."""
        kind = np.dtype(dtype)
        if domain.values:
            return cls(kind, min(domain.values), max(domain.values), domain.values)
        assert domain.low is not None  # the manifest's schema and its checks say so
        assert domain.high is not None
        return cls(kind, _inwards(domain.low, kind, 1), _inwards(domain.high, kind, -1))

    def clipped(self, array: Any) -> Any:
        """The array in this dtype, its numbers inside the range."""
        inside = np.clip(array, self.low, self.high)
        return (inside if self.dtype.kind == "f" else np.rint(inside)).astype(self.dtype)


def _inwards(value: float, dtype: np.dtype[Any], direction: int) -> float:
    if dtype.kind != "f":
        return value
    near = dtype.type(value)
    if (float(near) - value) * direction < 0:
        near = np.nextafter(near, dtype.type(direction * np.inf))
    return float(near)


@dataclass(frozen=True, slots=True)
class Sketch:
    """One value everywhere, a coarse ``pattern`` in its place, ``noise`` (seed, share of the range) over
    it, and single elements set at ``spikes`` (place, value).
    """

    fill: float
    pattern: Any = None
    noise: tuple[int, float] | None = None
    spikes: tuple[tuple[int, float], ...] = ()

    def array(self, shape: Sequence[int], within: Range) -> Any:
        """The array that it describes."""
        array = np.full(shape, self.fill, dtype=np.float64)
        if self.pattern is not None:
            array[...] = _spread(self.pattern, shape)
        if self.noise is not None:
            array = _noisy(array, self.noise, within)
        for place, value in self.spikes:
            array.flat[place] = value
        return within.clipped(array)

    def text(self, array: Any) -> str:
        """In words, for a person."""
        if array.size <= _WRITTEN:
            return f"{array.tolist()}"
        parts = [f"all {self.fill:g}" if self.pattern is None else f"a pattern of {list(self.pattern.shape)} spread"]
        if self.noise is not None:
            parts.append(f"noise of seed {self.noise[0]} over {self.noise[1]:.0%} of the range")
        for place, _ in self.spikes:
            at = [int(index) for index in np.unravel_index(place, array.shape)]
            parts.append(f"{array.flat[place]:g} at {at}")
        return f"{list(array.shape)}, {', '.join(parts)}"


def coarse(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of a pattern for arrays of this shape: itself where it is small."""
    if int(np.prod(shape)) <= SMALL:
        return tuple(shape)
    side = 4
    while int(np.prod([min(length, side) for length in shape])) > SMALL:
        side -= 1
    return tuple(min(length, side) for length in shape)


def _spread(pattern: Any, shape: Sequence[int]) -> Any:
    places = [np.arange(length) * few // max(length, 1) for few, length in zip(pattern.shape, shape, strict=True)]
    return pattern[np.ix_(*places)]


def _noisy(array: Any, noise: tuple[int, float], within: Range) -> Any:
    dice = np.random.default_rng(noise[0])
    if within.values:
        chosen = dice.choice(np.asarray(within.values, dtype=np.float64), array.shape)
        return np.where(dice.random(array.shape) < noise[1], chosen, array)
    half = min(within.high / 2 - within.low / 2, np.finfo(np.float64).max / 4)
    return array + dice.uniform(-1, 1, array.shape) * half * noise[1]

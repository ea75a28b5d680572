"""Resizing without antialias: each pixel is weighed of its nearest neighbours, however small the picture becomes.

OpenCV, PyTorch (``interpolate``) and TensorFlow do this; they differ in where a pixel is taken to be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]


def sampled(pixels: NDArray[Any], size: tuple[int, int], interpolation: str, sampling: str) -> NDArray[Any]:
    """[height, width, channels] of another size; uint8 stays uint8, all else is float32."""
    rows, columns = (_weights(pixels.shape[axis], size[axis], interpolation, sampling) for axis in (0, 1))
    made = np.einsum("ij,jkc->ikc", rows, pixels.astype(np.float64), optimize=True)
    made = np.einsum("ij,kjc->kic", columns, made, optimize=True)
    whole = pixels.dtype == np.uint8
    resized: NDArray[Any] = np.clip(np.rint(made), 0, 255).astype(np.uint8) if whole else made.astype(np.float32)
    return resized


def _weights(have: int, want: int, interpolation: str, sampling: str) -> _Floats:
    """The share [want, have] that each old pixel has in each new one; beyond the edge stands the last."""
    if interpolation == "box":
        return _areas(have, want)
    places: _Floats = _PLACES[sampling](np.arange(want, dtype=float), have, want)
    if interpolation == "nearest":
        nearest = np.rint(places) if sampling == "corners" else np.floor(places + (sampling == "half_pixel") * 0.5)
        chosen: _Floats = np.eye(have)[np.clip(nearest.astype(int), 0, have - 1)]
        return chosen
    kernel, reach = _KERNELS[interpolation]
    weights = np.zeros((want, have))
    first = np.floor(places).astype(int)
    for step in range(1 - reach, reach + 1):
        share = kernel(np.abs(places - (first + step)))
        np.add.at(weights, (np.arange(want), np.clip(first + step, 0, have - 1)), share)
    shares: _Floats = weights / weights.sum(1, keepdims=True)
    return shares


def _areas(have: int, want: int) -> _Floats:
    """OpenCV's INTER_AREA: the part of each old pixel that a new one covers."""
    edges = np.arange(want + 1) * have / want
    old = np.arange(have)
    covered = np.minimum(edges[1:, None], old + 1) - np.maximum(edges[:-1, None], old)
    covered = np.clip(covered, 0, None)
    shares: _Floats = covered / covered.sum(1, keepdims=True)
    return shares


def _linear(distance: _Floats) -> _Floats:
    return np.clip(1 - distance, 0, None)


def _cubic(distance: _Floats, a: float = -0.75) -> _Floats:
    """With the sharpness of OpenCV and PyTorch; Pillow's is -0.5."""
    near = (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    far = a * distance**3 - 5 * a * distance**2 + 8 * a * distance - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))


def _lanczos(distance: _Floats, reach: int = 4) -> _Floats:
    return np.where(distance < reach, np.sinc(distance) * np.sinc(distance / reach), 0.0)


_KERNELS: Final[Mapping[str, tuple[Callable[[_Floats], _Floats], int]]] = {
    "bilinear": (_linear, 1),
    "bicubic": (_cubic, 2),
    "lanczos": (_lanczos, 4),
}
_PLACES: Final[Mapping[str, Callable[[_Floats, int, int], _Floats]]] = {
    "half_pixel": lambda new, have, want: (new + 0.5) * have / want - 0.5,
    "corners": lambda new, have, want: new * (have - 1) / max(want - 1, 1),
    "asymmetric": lambda new, have, want: new * have / want,
}

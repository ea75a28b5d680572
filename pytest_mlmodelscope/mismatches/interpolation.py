"""Pictures are resized by another filter, or by another library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import changed, found, replaced

TITLE: Final = "interpolation"
USUAL: Final = 0.6


_LIBRARIES: Final = {
    "antialias": "by Pillow",
    "half_pixel": "without antialias, as OpenCV does",
    "corners": "as TensorFlow 1 does with align_corners",
    "asymmetric": "as TensorFlow 1 does",
}
_FILTERS: Final = (
    *(("antialias", name, 1.0) for name in ("bilinear", "bicubic")),
    *(("antialias", name, 0.6) for name in ("nearest", "box", "lanczos")),
    *(("half_pixel", name, 0.8) for name in ("bilinear", "bicubic")),
    *(("half_pixel", name, 0.5) for name in ("nearest", "box", "lanczos")),
    *(("asymmetric", name, 0.4) for name in ("bilinear", "nearest", "bicubic")),
    ("corners", "bilinear", 0.4),
)


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Every other filter of every library, for each step that resizes."""
    for number, at, step in found(setup, "resize"):
        given = (step.options.get("sampling", "antialias"), step.options.get("interpolation", "bilinear"))
        for sampling, name, usual in _FILTERS:
            if (sampling, name) != given:
                other = changed(step, interpolation=name, sampling=None if sampling == "antialias" else sampling)
                words = f"pictures are resized by {_named(sampling, name)}"
                yield Variant(words, replaced(setup, number, at, other), usual)


def _named(sampling: str, name: str) -> str:
    if (sampling, name) == ("half_pixel", "box"):
        return "the area filter of OpenCV"
    return f"{name} interpolation {_LIBRARIES[sampling]}"

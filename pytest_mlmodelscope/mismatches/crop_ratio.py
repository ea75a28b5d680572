"""Another part of the picture is shown to the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import changed, found, inputs, replaced, stages

TITLE: Final = "crop"
USUAL: Final = 0.7


#: The share of the resized picture's side that is cropped, as published evaluations have it.
_RATIOS: Final = ((0.875, 1.0), (0.9, 0.4), (0.95, 0.4), (0.965, 0.3), (0.8, 0.3))


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Squashed whole, cropped after the shorter side is resized, or padded, whatever is declared."""
    for number, at, count, size, resize in _croppings(setup, sight):
        for words, steps, usual in _ways(size, resize):
            made = replaced(setup, number, at, *steps, count=count)
            if made != setup:
                yield Variant(words, made, usual)


def _croppings(setup: Setup, sight: Sight) -> Iterator[tuple[int, int, int, list[int], Step]]:
    """Where steps bring a picture to its size: input, place, how many steps, the size, and how it is resized."""
    for number, spec in inputs(setup):
        places = [at for at, step in enumerate(spec.steps) if step.name in ("resize", "crop", "pad")]
        if places and places == list(range(places[0], places[-1] + 1)):
            shape = np.shape(sight.values(spec, places[-1] + 1)[0])
            resize = next((step for step in spec.steps if step.name == "resize"), Step("resize", {}))
            yield number, places[0], len(places), [int(side) for side in shape[:2]], resize
    if not list(found(setup, "resize", "crop", "pad")):
        for stage in stages(setup, sight, "HWC"):
            size = [int(side) for side in np.shape(stage.values[0])[:2]]
            yield stage.number, stage.at, 0, size, Step("resize", {})


def _ways(size: list[int], resize: Step) -> Iterator[tuple[str, list[Step], float]]:
    """What may be done to come to a size, in words and as steps."""

    def to(wanted: object, **more: object) -> Step:
        return changed(resize, size=wanted, **{"keep_aspect": None, **more})

    high, wide = size
    crop = Step("crop", {"size": size})
    text = f"{high} x {wide}"
    yield f"the whole picture is resized to {text}", [to(size)], 1.0
    yield f"the shorter side is resized to {min(size)}, and the centre cropped", [to(min(size)), crop], 1.0
    for ratio, usual in _RATIOS:
        larger = [round(high / ratio), round(wide / ratio)]
        way = f"the centre is cropped (a ratio of {ratio:g})"
        yield f"the shorter side is resized to {min(larger)}, and {way}", [to(min(larger)), crop], usual
        yield f"the whole picture is resized to {larger[0]} x {larger[1]}, and {way}", [to(larger), crop], usual * 0.7
    for value in (0, 114, 127, 255):
        padded = [to(size, keep_aspect=True), Step("pad", {"size": size, "value": value})]
        yield f"the picture is padded with {value} to {text}", padded, 0.4
    yield f"the centre is cropped to {text} without resizing", [crop], 0.3

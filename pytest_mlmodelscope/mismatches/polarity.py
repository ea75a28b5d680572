"""Light and dark are exchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import ceiling, found, inserted, replaced, stages

TITLE: Final = "polarity"
USUAL: Final = 0.5


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Pictures with each value taken from the largest, before anything else is done to their values."""
    for stage in stages(setup, sight, "HWC", "CHW", "HW", "vector"):
        if stage.form == "vector" and "image" not in sight.task:
            continue
        values = stage.array
        high = ceiling(values)
        if values.min() >= 0 and high:
            inverse = Step("normalize", {"mean": high, "std": -1})
            yield Variant("light and dark are exchanged", inserted(setup, stage.number, stage.at, inverse))
    for number, at, step in found(setup, "normalize"):
        if np.all(np.asarray(step.options["std"]) < 0):
            yield Variant("light and dark are not exchanged", replaced(setup, number, at))

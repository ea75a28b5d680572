"""Several channels of sound become one in another way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import MOST_CHANNELS, found, replaced

TITLE: Final = "channels of sound"
USUAL: Final = 0.4


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """The mean of the channels, or one of them."""
    for number, at, _ in found(setup, "mean", "select"):
        shape = np.shape(sight.values(setup.inputs[number], at)[0])
        if len(shape) == 2 and min(shape) <= MOST_CHANNELS:
            axis = int(np.argmin(shape))
            mean = Step("mean", {"axis": axis})
            yield Variant("sound is the mean of its channels", replaced(setup, number, at, mean))
            for channel in range(shape[axis]):
                one = (Step("reorder", {"order": [channel], "axis": axis}), mean)
                yield Variant(f"sound is channel {channel}", replaced(setup, number, at, *one))

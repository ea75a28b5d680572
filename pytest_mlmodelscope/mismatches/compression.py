"""Pictures were compressed with a loss on their way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import found, inserted, replaced, stages

TITLE: Final = "compression"
USUAL: Final = 0.3


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """JPEG in the place of lossless pictures, at usual qualities."""
    for number, at, _ in found(setup, "jpeg"):
        yield Variant("pictures are not compressed again", replaced(setup, number, at))
    for stage in stages(setup, sight, "HWC", "HW"):
        if stage.values[0].dtype == np.uint8 and min(stage.values[0].shape[:2]) >= 8:
            for quality in (95, 75, 50, 30):
                step = Step("jpeg", {"quality": quality})
                yield Variant(f"pictures are JPEG of quality {quality}", inserted(setup, stage.number, stage.at, step))

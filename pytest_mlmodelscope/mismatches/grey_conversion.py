"""Colours are made grey in another way, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import changed, found, inserted, replaced, stages

TITLE: Final = "conversion to grey"
USUAL: Final = 0.3


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Other weights for grey pictures; for coloured ones, grey in all channels."""
    for number, at, step in found(setup, "decode"):
        if step.options.get("colour") == "L":
            for weights in ("mean", "bt709"):
                grey = Step("grey", {"weights": weights})
                made = replaced(setup, number, at, changed(step, colour="RGB"), grey)
                yield Variant(f"grey is the {weights} of the colours", made)
    for number, at, _ in found(setup, "grey"):
        for weights in ("mean", "bt601", "bt709"):
            made = replaced(
                setup, number, at, Step("grey", {**setup.inputs[number].steps[at].options, "weights": weights})
            )
            if made != setup:
                yield Variant(f"grey is made with the weights {weights}", made)
        yield Variant("pictures are not made grey", replaced(setup, number, at))
    for stage in stages(setup, sight, "HWC"):
        if stage.channels == 3 and not list(found(setup, "grey")):
            made = inserted(setup, stage.number, stage.at, Step("grey", {"channels": 3}))
            yield Variant("pictures are made grey", made)

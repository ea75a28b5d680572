"""One of the model's classes is none of the dataset's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import decisive, place_of, with_output, without

TITLE: Final = "background class"
USUAL: Final = 0.8


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """The first or the last score left out before the largest is looked for, and where it is left out, kept."""
    decided = decisive(setup)
    if decided is None:
        return
    steps = decided[1].steps
    for at, made in without(setup, "slice"):
        yield Variant("no class is left out", made)
        both = with_output(setup, *steps[:at], *steps[at + 1 :], Step("offset", {"by": -1}))
        yield Variant("no class is left out, and classes count from one less", both)
    best = place_of(decided[1], "argmax", "top_k")
    if best is not None:
        for words, options in (("first", {"start": 1}), ("last", {"stop": -1})):
            made = with_output(setup, *steps[:best], Step("slice", options), *steps[best:])
            yield Variant(f"the {words} class of the model is left out (a background class)", made)

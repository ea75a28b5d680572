"""Pictures, or the axes of height and width, are turned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import changed, found, inserted, replaced, stages

TITLE: Final = "orientation"
USUAL: Final = 0.5


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Height and width exchanged, and pictures upside down or mirrored."""
    for stage in stages(setup, sight, "HWC", "CHW", "HW"):
        axes = stage.form
        swapped = axes.replace("H", "w").replace("W", "H").upper()
        exchanged = inserted(setup, stage.number, stage.at, Step("layout", {"from": axes, "to": swapped}))
        yield Variant("height and width are exchanged (transposed pictures)", exchanged)
        for letter, words in (("H", "upside down"), ("W", "mirrored")):
            flipped = Step("flip", {"axis": axes.index(letter)})
            yield Variant(f"pictures are {words}", inserted(setup, stage.number, stage.at, flipped), 0.5)
    yield from _layouts(setup)


def _layouts(setup: Setup) -> Iterator[Variant]:
    """Steps that move axes, with two of them exchanged."""
    for number, at, step in found(setup, "layout"):
        wanted = step.options["to"]
        for one in range(len(wanted)):
            for other in range(one + 1, len(wanted)):
                letters = list(wanted)
                letters[one], letters[other] = letters[other], letters[one]
                name = "".join(letters)
                made = replaced(setup, number, at, changed(step, to=name))
                yield Variant(f"the axes are {name} instead of {wanted}", made)
        if len(step.options["from"]) == len(wanted):
            yield Variant("the axes stay as they come", replaced(setup, number, at))
    for number, at, _ in found(setup, "flip"):
        yield Variant("no axis is reversed", replaced(setup, number, at))

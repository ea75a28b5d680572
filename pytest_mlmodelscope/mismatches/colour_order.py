"""Red and blue are exchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import changed, found, inserted, replaced, stages

TITLE: Final = "colour order"
USUAL: Final = 1.0


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """The other order where pictures are decoded, or else where they first have three channels."""
    decoded = list(found(setup, "decode"))
    for number, at, step in decoded:
        colour = step.options.get("colour", "RGB")
        if colour != "L":
            other = "BGR" if colour == "RGB" else "RGB"
            made = replaced(setup, number, at, changed(step, colour=other))
            yield Variant(f"the colour order is {other}", made)
    for number, at, step in found(setup, "colour"):
        if step.options["from"] != step.options["to"]:
            order = step.options["from"]
            yield Variant(f"the colour order stays {order}", replaced(setup, number, at))
    if not decoded:
        yield from _of_arrays(setup, sight)


def _of_arrays(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Pictures that come as arrays, in an order that nothing states."""
    for stage in stages(setup, sight, "HWC", "CHW"):
        if stage.channels == 3:
            axis = -1 if stage.form == "HWC" else 0
            made = inserted(setup, stage.number, stage.at, Step("flip", {"axis": axis}))
            yield Variant("the colour order is reversed (BGR for RGB)", made)

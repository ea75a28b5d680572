"""The elements of a tensor are read in another order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import found, inserted, last, replaced

TITLE: Final = "layout"
USUAL: Final = 0.7


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Other axes first where all become one, and elements that are only read in another shape."""
    for number, at, _ in found(setup, "flatten"):
        value = np.asarray(sight.values(setup.inputs[number], at)[0])
        yield from _flattened(setup, number, at, value.ndim)
    for stage in last(setup, sight):
        shape = [int(length) for length in np.shape(stage.values[0])]
        if len(shape) == 3 and stage.form in ("HWC", "CHW"):
            high_wide = shape[:2] if stage.form == "HWC" else shape[1:]
            channels = stage.channels
            other = [channels, *high_wide] if stage.form == "HWC" else [*high_wide, channels]
            letters = {"from": stage.form, "to": "CHW" if stage.form == "HWC" else "HWC"}
            moved = (Step("layout", letters), Step("reshape", {"shape": shape}))
            yield Variant(f"the elements lie as {letters['to']}", inserted(setup, stage.number, stage.at, *moved))
            read = (Step("reshape", {"shape": other}), Step("layout", {"from": letters["to"], "to": letters["from"]}))
            yield Variant(
                f"elements that lie as {letters['to']} are put as {stage.form}",
                inserted(setup, stage.number, stage.at, *read),
            )
    for number, at, _ in found(setup, "reshape"):
        yield Variant("elements are not read in another shape", replaced(setup, number, at))


def _flattened(setup: Setup, number: int, at: int, axes: int) -> Iterator[Variant]:
    # Of two axes the exchange is a matter of orientation.
    for first, second in ((0, 1), (1, 2), (0, 2)):
        if second < axes == 3:
            letters = "ABC"[:axes]
            swapped = list(letters)
            swapped[first], swapped[second] = swapped[second], swapped[first]
            step = Step("layout", {"from": letters, "to": "".join(swapped)})
            yield Variant(
                f"axes {first} and {second} are exchanged before all become one", inserted(setup, number, at, step)
            )
    if axes == 3:
        for to, words in (("CAB", "the channels come first"), ("BCA", "the first axis comes last")):
            step = Step("layout", {"from": "ABC", "to": to})
            yield Variant(f"{words} before all axes become one", inserted(setup, number, at, step))

"""The smallest score is the best, or another cut or output decides."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import decisive, place_of, with_output

TITLE: Final = "score order"
USUAL: Final = 0.6


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Scores with their sign changed, predictions in the other order, other cuts, and each other output."""
    decided = decisive(setup)
    if decided is None:
        return
    number, spec = decided
    at = place_of(spec, "argmax", "top_k")
    if at is not None:
        negative = Step("scale", {"by": -1})
        if negative in spec.steps[:at]:
            kept = [step for step in spec.steps if step != negative]
            yield Variant("the largest score is the best", with_output(setup, *kept), 2.0)
        else:
            made = with_output(setup, *spec.steps[:at], negative, *spec.steps[at:])
            yield Variant("the smallest score is the best", made)
    yield from _cuts(setup, spec.steps)
    for other, output in enumerate(setup.outputs):
        if other != number and spec.steps:
            swapped = [dataclasses.replace(one, steps=()) for one in setup.outputs]
            swapped[other] = dataclasses.replace(output, steps=spec.steps)
            yield Variant(f"the output {output.name} decides", dataclasses.replace(setup, outputs=tuple(swapped)))


def _cuts(setup: Setup, steps: tuple[Step, ...]) -> Iterator[Variant]:
    """A threshold of two classes: their labels exchanged, and another cut."""
    for at, step in enumerate(steps):
        if step.name == "flip":
            yield Variant("scores are not reversed", with_output(setup, *steps[:at], *steps[at + 1 :]))
        bands = step.options.get("bands", ()) if step.name == "threshold" else ()
        if len(bands) != 2:
            continue
        labels = [band["label"] for band in bands]
        exchanged = [{**band, "label": label} for band, label in zip(bands, reversed(labels), strict=True)]
        yield Variant("the two classes are exchanged", _with_bands(setup, steps, at, exchanged))
        for cut in (0, 0.5):
            moved = [
                {
                    key: cut if isinstance(value, (int, float)) and key != "label" else value
                    for key, value in band.items()
                }
                for band in bands
            ]
            if moved != list(bands):
                yield Variant(f"scores are cut at {cut}", _with_bands(setup, steps, at, moved))


def _with_bands(setup: Setup, steps: tuple[Step, ...], at: int, bands: list[dict[str, Any]]) -> Setup:
    return with_output(setup, *steps[:at], Step("threshold", {"bands": bands}), *steps[at + 1 :])

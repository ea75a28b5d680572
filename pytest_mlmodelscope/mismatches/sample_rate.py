"""Sound has another rate than is thought."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import numpy as np

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import found, inserted, replaced, stages

TITLE: Final = "sample rate"
USUAL: Final = 0.9


_RATES: Final = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000)


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Without each step that changes the rate, with other rates in it, and with one where sound is not resampled."""
    declared = list(found(setup, "resample"))
    for number, at, step in declared:
        yield Variant("the rate is not changed", replaced(setup, number, at), 2.0)
        yield from _other_rates(setup, sight, number, at, step)
    if not declared:
        yield from _resampled(setup, sight)


def _other_rates(setup: Setup, sight: Sight, number: int, at: int, step: Step) -> Iterator[Variant]:
    length = _length(setup, sight, number, at + 1)
    pairs = [(rate, step.options["to"]) for rate in _RATES] + [(step.options["from"], rate) for rate in _RATES]
    pairs.append((step.options["to"], step.options["from"]))
    for old, new in pairs:
        if (old, new) != (step.options["from"], step.options["to"]) and old != new:
            made = replaced(
                setup, number, at, Step("resample", {"from": old, "to": new}), Step("fit_length", {"length": length})
            )
            yield Variant(f"sound of {old} Hz is brought to {new} Hz", made)


def _resampled(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Every ratio of two usual rates once."""
    for stage in stages(setup, sight, "series"):
        if not any(
            word in sight.task for word in ("audio", "speech", "voice", "sound", "keyword", "speaker", "music", "tone")
        ):
            continue
        rate = setup.split.options.get("rate")
        length = _length(setup, sight, stage.number, stage.at)
        for old, new in _ratios(rate):
            steps = Step("resample", {"from": old, "to": new}), Step("fit_length", {"length": length})
            yield Variant(f"sound of {old} Hz is brought to {new} Hz", inserted(setup, stage.number, stage.at, *steps))


def _ratios(rate: int | None) -> list[tuple[int, int]]:
    if rate is not None:
        return [(rate, other) for other in _RATES if other != rate] + [
            (other, rate) for other in _RATES if other != rate
        ]
    ratios = {Fraction(old, new): (old, new) for old in _RATES for new in _RATES if old != new}
    return [pair for ratio, pair in ratios.items() if Fraction(1, 4) <= ratio <= 4]


def _length(setup: Setup, sight: Sight, number: int, at: int) -> int:
    return int(np.shape(sight.values(setup.inputs[number], at)[0])[0])

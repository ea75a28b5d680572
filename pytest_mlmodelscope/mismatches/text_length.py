"""Texts are cut to another length, or at the other end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import found, inserted, replaced, stages

TITLE: Final = "text length"
USUAL: Final = 0.8


_LENGTHS: Final = (
    32,
    50,
    64,
    100,
    128,
    140,
    200,
    256,
    280,
    300,
    400,
    500,
    512,
    1000,
    1024,
    2000,
    2048,
    4096,
    5000,
    10000,
)


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Texts that are not cut, cut to a usual length, or of which the end is kept."""
    cut = list(found(setup, "truncate_text"))
    for number, at, step in cut:
        yield Variant("texts are whole", replaced(setup, number, at), 2.0)
        kept = int(step.options.get("characters") or step.options["bytes"])
        ends = Step("slice", {"start": -kept})
        yield Variant(f"the last {kept} characters of a text are kept", replaced(setup, number, at, ends))
        for length in _LENGTHS:
            other = Step("truncate_text", {"characters": length})
            yield Variant(f"texts are cut to {length} characters", replaced(setup, number, at, other), 0.5)
    for number, at, step in _slices(setup, sight):
        yield Variant("texts are whole", replaced(setup, number, at), 2.0)
        if (step.options.get("start") or 0) < 0:
            head = Step("truncate_text", {"characters": -step.options["start"]})
            yield Variant(
                f"the first {-step.options['start']} characters of a text are kept",
                replaced(setup, number, at, head),
                2.0,
            )
    if not cut:
        yield from _shorter(setup, sight)


def _slices(setup: Setup, sight: Sight) -> Iterator[tuple[int, int, Step]]:
    for number, at, step in found(setup, "slice"):
        values = sight.values(setup.inputs[number], at)
        if len(values) and isinstance(values[0], str):
            yield number, at, step


def _shorter(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Lengths that change some of the texts."""
    for stage in stages(setup, sight, "text"):
        longest = max(len(text) for text in sight.population(stage.spec, stage.at))
        for length in _LENGTHS:
            if length < longest:
                step = Step("truncate_text", {"characters": length})
                yield Variant(f"texts are cut to {length} characters", inserted(setup, stage.number, stage.at, step))
                end = Step("slice", {"start": -length})
                yield Variant(
                    f"the last {length} characters of a text are kept",
                    inserted(setup, stage.number, stage.at, end),
                    0.4,
                )

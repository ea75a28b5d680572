"""Two steps are exchanged, or one is not wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import inputs, replaced

TITLE: Final = "order of steps"
USUAL: Final = 0.15


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Each step left out, and each exchanged with the next, wherever the result can still be used."""
    for number, spec in inputs(setup):
        for at, step in enumerate(spec.steps):
            yield Variant(f"the step {step.name} is left out", replaced(setup, number, at), 0.5)
            if at + 1 < len(spec.steps):
                after = spec.steps[at + 1]
                made = replaced(setup, number, at, after, step, count=2)
                yield Variant(f"{after.name} comes before {step.name}", made)

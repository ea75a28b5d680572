"""Missing values stand for something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import found, inputs, inserted, replaced

TITLE: Final = "missing values"
USUAL: Final = 0.8


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Zeros, marks, and the figures of the columns in the place of values that are missing."""
    for number, at, step in found(setup, "fill"):
        yield Variant("missing values stay", replaced(setup, number, at), 0.5)
        for words, value in _values(sight, setup, number, at):
            if value != step.options["value"]:
                yield Variant(words, replaced(setup, number, at, Step("fill", {"value": value})))
    if list(found(setup, "fill")):
        return
    for number, spec in inputs(setup):
        for at in range(len(spec.steps) + 1):
            rows = [np.asarray(value) for value in sight.population(spec, at)]
            if any(row.dtype.kind == "f" and np.isnan(row).any() for row in rows):
                for words, value in _values(sight, setup, number, at):
                    yield Variant(words, inserted(setup, number, at, Step("fill", {"value": value})))
                break


def _values(sight: Sight, setup: Setup, number: int, at: int) -> Iterator[tuple[str, Any]]:
    yield "missing values are 0", 0
    yield "missing values are -1", -1
    yield "missing values are -999", -999
    rows = [np.asarray(value, np.float64) for value in sight.population(setup.inputs[number], at)]
    if rows and len({row.shape for row in rows}) == 1:
        table = np.stack(rows)
        if table.ndim == 2 and not np.isnan(table).all(0).any():
            yield "missing values are the mean of their column", np.nanmean(table, 0).tolist()
            yield "missing values are the median of their column", np.nanmedian(table, 0).tolist()

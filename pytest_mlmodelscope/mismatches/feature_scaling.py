"""The columns of a table, or the values of a series, are scaled by other figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import Stage, form_of, found, last, replaced, stages

TITLE: Final = "scaling of features"
USUAL: Final = 0.9


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """By the figures of the training data, column by column, by each item's own, and not at all."""
    if "image" in sight.task or list(stages(setup, sight, "HWC", "CHW", "HW")):
        return
    for number, at, step in found(setup, "normalize", "standardize"):
        if form_of(np.shape(sight.values(setup.inputs[number], at)[0])) in ("vector", "series"):
            yield Variant(f"values are not scaled ({step.name} is left out)", replaced(setup, number, at))
    for stage in last(setup, sight):
        if stage.form in ("vector", "series") and stage.spec.dtype.startswith("float"):
            yield from _scaled(setup, sight, stage)


def _scaled(setup: Setup, sight: Sight, stage: Stage) -> Iterator[Variant]:
    spec = stage.spec
    start = next((at for at, step in enumerate(spec.steps) if step.name in _ARITHMETIC), len(spec.steps))
    count = sum(step.name in _ARITHMETIC for step in spec.steps[start:])
    if [step.name in _ARITHMETIC for step in spec.steps[start:]] != [True] * count + [False] * (
        len(spec.steps) - start - count
    ):
        start, count = len(spec.steps), 0
    if stage.form == "vector":
        for words, step, usual in _by_columns(sight, stage, start):
            yield Variant(words, replaced(setup, stage.number, start, step, count=count), usual)
    for words, to in _OWN.items():
        made = replaced(setup, stage.number, start, Step("standardize", {"to": to}), count=count)
        yield Variant(words, made, 0.5 if stage.form == "vector" else 1.0)


_ARITHMETIC: Final = ("scale", "normalize", "standardize")
_OWN: Final = {
    "each item has a mean of 0 and a deviation of 1 of its own": "unit_variance",
    "each item runs from 0 to 1": "unit_range",
    "the largest magnitude of each item is 1": "unit_peak",
    "each item has a length of 1": "unit_length",
    "each item has a mean of 0": "zero_mean",
}


def _by_columns(sight: Sight, stage: Stage, upto: int) -> Iterator[tuple[str, Step, float]]:
    """Steps with the figures of the columns."""
    rows = [np.asarray(value, np.float64) for value in sight.population(stage.spec, upto)]
    if len(rows) < 8 or len({row.shape for row in rows}) != 1:
        return
    table = np.stack(rows)
    mean, std = np.nanmean(table, 0), np.nanstd(table, 0)
    low, high = np.nanmin(table, 0), np.nanmax(table, 0)

    def step(by: np.ndarray, over: np.ndarray) -> Step:
        return Step("normalize", {"mean": by.tolist(), "std": np.where(over == 0, 1, over).tolist()})

    yield "columns have a mean of 0 and a deviation of 1 in the training data", step(mean, std), 1.0
    yield "columns run from 0 to 1 in the training data", step(low, high - low), 0.8
    yield "columns run from -1 to 1 in the training data", step((low + high) / 2, (high - low) / 2), 0.5
    yield "the mean of each column is taken away", step(mean, np.ones_like(mean)), 0.4
    yield "columns are divided by their deviation", step(np.zeros_like(mean), std), 0.3
    yield (
        "all columns have one mean and one deviation",
        step(np.full_like(mean, table.mean()), np.full_like(mean, table.std())),
        0.4,
    )

"""The columns of a table stand in another order."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import Stage, found, inserted, last, replaced

TITLE: Final = "column order"
USUAL: Final = 0.8


#: Columns of which each pair is exchanged; of wider tables only neighbours.
_EACH_PAIR: Final = 16
_MOST: Final = 64


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """The order of the file, of the alphabet, backwards, and with two columns exchanged."""
    columns = setup.split.options.get("columns") if setup.split.reader == "table" else None
    given = columns.get("input") if columns else None
    if isinstance(given, list):
        yield from _of_table(setup, given, sight.columns(setup.split))
    for stage in last(setup, sight):
        if stage.form == "vector" and "image" not in sight.task:
            yield from _of_vectors(setup, stage, isinstance(given, list))
    for number, at, _ in found(setup, "reorder"):
        yield Variant("columns stay in their order", replaced(setup, number, at))


def _of_table(setup: Setup, given: list[Any], header: Sequence[str] | None) -> Iterator[Variant]:
    names = list(header) if header else None
    place = (lambda one: names.index(one) if isinstance(one, str) else one) if names else (lambda one: one)
    orders = {"of the file": sorted(given, key=place)}
    if names:
        named = {one: names[one] if isinstance(one, int) else one for one in given}
        orders["of the alphabet"] = sorted(given, key=lambda one: named[one])
        orders["of the alphabet, in either case"] = sorted(given, key=lambda one: named[one].lower())
    for words, order in orders.items():
        if order != given:
            columns = {**setup.split.options["columns"], "input": order}
            split = dataclasses.replace(setup.split, options={**setup.split.options, "columns": columns})
            yield Variant(f"columns are in the order {words}", dataclasses.replace(setup, split=split), 3.0)


def _of_vectors(setup: Setup, stage: Stage, table: bool) -> Iterator[Variant]:
    width = np.shape(stage.values[0])[0]
    at = next(
        (at for at, step in enumerate(stage.spec.steps) if step.name in ("normalize", "scale", "standardize")), stage.at
    )
    if width > _MOST:
        return
    plain = list(range(width))
    orders = {
        "backwards": plain[::-1],
        "with the last first": [*plain[-1:], *plain[:-1]],
        "with the first last": [*plain[1:], 0],
    }
    for words, order in orders.items():
        yield Variant(
            f"columns are {words}",
            inserted(setup, stage.number, at, Step("reorder", {"order": order})),
            1.0 if table else 0.5,
        )
    for one in range(width):
        for other in range(one + 1, width if width <= _EACH_PAIR else min(width, one + 2)):
            order = list(plain)
            order[one], order[other] = other, one
            made = inserted(setup, stage.number, at, Step("reorder", {"order": order}))
            yield Variant(f"columns {one} and {other} are exchanged", made)

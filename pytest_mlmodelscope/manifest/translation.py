"""The tensors of one framework as another wants them: the same numbers under other names, axes in another order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pytest_mlmodelscope.core.manifest import Input
from pytest_mlmodelscope.manifest.domains import same_quantity

Translate = Callable[[Mapping[str, Any]], dict[str, Any]]


def translation(own: Sequence[Input], others: Sequence[Input]) -> Translate | None:
    """What makes the other's tensors of one's own; None where they do not hold the same numbers.

    Inputs belong together by name, or in their order where the names are not the same.
    """
    pairs = _pairs(own, others)
    if pairs is None:
        return None
    orders = [_order(one, other) for one, other in pairs]
    if not all(same_quantity(one, other) for one, other in pairs) or None in orders:
        return None

    def translate(tensors: Mapping[str, Any]) -> dict[str, Any]:
        return {
            other.name: np.ascontiguousarray(np.transpose(tensors[one.name], order)) if order else tensors[one.name]
            for (one, other), order in zip(pairs, orders, strict=True)
        }

    return translate


def _pairs(own: Sequence[Input], others: Sequence[Input]) -> list[tuple[Input, Input]] | None:
    if len(own) != len(others):
        return None
    by_name = {spec.name: spec for spec in own}
    if set(by_name) == {spec.name for spec in others}:
        return [(by_name[other.name], other) for other in others]
    return list(zip(own, others, strict=True))


def _order(one: Input, other: Input) -> list[int] | None:
    """The axes of one in the other's order, empty where it is the same; None where they do not fit."""
    if one.batched != other.batched:
        return None
    mine, theirs = _layouts(one, other)
    if mine == theirs:
        return [] if len(one.shape) == len(other.shape) else None
    if sorted(mine) != sorted(theirs):
        return None
    order = [mine.index(axis) for axis in theirs]
    first = len(one.shape) - len(order)  # a layout of a step does not speak of the batch
    return [*range(first), *(first + place for place in order)]


def _layouts(one: Input, other: Input) -> tuple[str, str]:
    """The order of each one's axes: as a step left it, where there is one, else as the manifest says."""
    steps = [[step.options for step in spec.steps if step.name == "layout"] for spec in (one, other)]
    if not any(steps):
        return one.layout or other.layout or "", other.layout or one.layout or ""
    mine, theirs = (str(found[-1]["to"]) if found else "" for found in steps)
    before = str((steps[0] or steps[1])[0]["from"])
    return mine or before, theirs or before

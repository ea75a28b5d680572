"""Values are too large or too small by a factor, or begin elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import ceiling, found, inputs, inserted, replaced

TITLE: Final = "scale"
USUAL: Final = 1.0


#: Usual divisors, each with the least and the most that the largest value may be for it.
_DIVISORS: Final = (255.0, 256.0, 127.5, 128.0, 16.0, 10.0, 100.0, 1000.0, 32768.0, 32767.0, 65535.0)


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Without each step that scales; with one more, or another, where that brings values to a usual range."""
    for number, at, step in found(setup, "scale"):
        yield Variant(f"values are not {_named(step)}", replaced(setup, number, at))
        for divisor in _DIVISORS:
            other = Step("scale", {"divide": divisor})
            if other.options != step.options:
                yield Variant(f"values are {_named(other)}", replaced(setup, number, at, other), 0.6)
            times = Step("scale", {"by": divisor})
            if "by" in step.options and times.options != step.options:
                yield Variant(f"values are {_named(times)}", replaced(setup, number, at, times), 0.4)
    for number, spec in inputs(setup):
        if spec.dtype != "string":
            yield from _added(setup, sight, number)


def _added(setup: Setup, sight: Sight, number: int) -> Iterator[Variant]:
    spec = setup.inputs[number]
    places = [at for at, step in enumerate(spec.steps) if step.name == "normalize"]
    for at in [*places, len(spec.steps)][:2]:
        values = sight.values(spec, at)
        if len(values) and np.asarray(values[0]).dtype.kind in "biuf":
            array = np.concatenate([np.asarray(value, np.float64).reshape(-1) for value in values])
            for words, step, usual in _scalings(array):
                yield Variant(words, inserted(setup, number, at, step), usual)


def _scalings(values: np.ndarray) -> Iterator[tuple[str, Step, float]]:
    """Steps that bring values from the range that they have to another usual one."""
    values = values[np.isfinite(values)]
    low, high = float(values.min(initial=0)), float(np.abs(values).max(initial=0))
    for divisor in _DIVISORS:
        if 0.2 * divisor < high <= divisor * 1.01:
            step = Step("scale", {"divide": divisor})
            yield f"values are {_named(step)}", step, 1.0
        if 0.01 < high <= 1.5 or (divisor in (255.0, 32768.0) and high < 0.05):
            step = Step("scale", {"by": divisor})
            yield f"values are {_named(step)}", step, 0.6 if divisor in (255.0, 32768.0, 16.0) else 0.3
    if high > 0:
        top = ceiling(values)
        yield from _ends(low, top)


def _ends(low: float, top: float) -> Iterator[tuple[str, Step, float]]:
    if low >= 0:
        yield f"values run from -1 to 1 (of 0 to {top:g})", Step("normalize", {"mean": top / 2, "std": top / 2}), 1.0
        yield f"values run from -0.5 to 0.5 (of 0 to {top:g})", Step("normalize", {"mean": top / 2, "std": top}), 0.4
        yield f"values run from 0 to 1 (of 0 to {top:g})", Step("scale", {"divide": top}), 1.0
        yield f"values run from -{top / 2:g} to {top / 2:g}", Step("normalize", {"mean": top / 2, "std": 1}), 0.4
    else:
        yield f"values run from 0 to 1 (of -{top:g} to {top:g})", Step("normalize", {"mean": -top, "std": 2 * top}), 0.6
        yield (
            f"values run from 0 to {2 * top:g} (of -{top:g} to {top:g})",
            Step("normalize", {"mean": -top, "std": 1}),
            0.3,
        )
        yield (
            f"values run from 0 to 255 (of -{top:g} to {top:g})",
            Step("normalize", {"mean": -top, "std": 2 * top / 255}),
            0.4,
        )


def _named(step: Step) -> str:
    if "divide" in step.options:
        return f"divided by {step.options['divide']:g}"
    return f"multiplied by {step.options['by']:g}"

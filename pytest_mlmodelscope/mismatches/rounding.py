"""Values are rounded on their way, or are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import Stage, changed, found, inserted, last, replaced

TITLE: Final = "rounding"
USUAL: Final = 0.3


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Rounding left out where it is declared; half precision, and whole numbers where there are fractions."""
    for number, at, step in found(setup, "cast"):
        kind = np.dtype(step.options["dtype"]).kind
        if kind in "iu" or step.options["dtype"] == "float16":
            yield Variant(f"values are not made {step.options['dtype']}", replaced(setup, number, at))
            for way in ("nearest", "truncate"):
                if kind in "iu" and way != step.options.get("rounding", "truncate"):
                    other = changed(step, rounding=None if way == "truncate" else way)
                    yield Variant(f"values are rounded ({way})", replaced(setup, number, at, other))
    for stage in last(setup, sight):
        if stage.spec.dtype.startswith("float"):
            yield from _coarser(setup, stage)


def _coarser(setup: Setup, stage: Stage) -> Iterator[Variant]:
    back = Step("cast", {"dtype": stage.spec.dtype})
    half = Step("cast", {"dtype": "float16"})
    yield Variant("values are in half precision", inserted(setup, stage.number, stage.at, half, back), 0.5)
    values = stage.array
    if np.abs(values).max() > 4 and (values != np.rint(values)).any():
        for way in ("truncate", "nearest"):
            whole = Step("cast", {"dtype": "int32", "rounding": way})
            made = inserted(setup, stage.number, stage.at, whole, back)
            yield Variant(f"values are whole numbers (rounding: {way})", made)

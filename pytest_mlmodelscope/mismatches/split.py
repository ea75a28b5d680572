"""The figure is of another part of the data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Final

from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant

TITLE: Final = "split"
USUAL: Final = 0.7


#: A split with more items is not read for this.
_MOST: Final = 200_000


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Every other split of the dataset, and this one with the labels that are left out."""
    for name, split in sight.splits.items():
        if name != setup.split.name and split.items <= _MOST:
            yield Variant(f"the split is {name}", dataclasses.replace(setup, split=split))

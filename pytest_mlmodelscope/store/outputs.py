"""What a model gave for every item, before any step made a prediction of it: kept as long as it is not too much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.store import arrays

#: Of the outputs of one case; larger ones are not kept.
MOST_BYTES: Final = 64_000_000


class Outputs:
    """Gathers the outputs of one batch after another; only arrays of numbers, and all items of the same shape."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._parts: dict[str, list[Any]] = {}
        self._size = 0
        self._why = ""

    def add(self, outputs: Mapping[str, Any], batched: bool) -> None:
        """The outputs of the next batch; unless ``batched`` they are those of one item, without its axis."""
        if self._why:
            return
        for name, value in outputs.items():
            if getattr(value, "dtype", np.dtype(object)).kind not in "fiub":
                continue
            # What comes from a worker may lie in memory that is used again.
            part = np.array(value if batched else value[np.newaxis])
            self._size += part.nbytes
            self._parts.setdefault(name, []).append(part)
        if self._size > self._most:
            self._parts, self._why = {}, f"outputs of more than {self._most // 1_000_000} MB are not kept"

    def keep(self, root: Path, order: Sequence[int] | None = None) -> dict[str, Any]:
        """Their digest, place and size, and ``names``; ``why`` says why nothing is kept. ``order`` has the indexes
        of the items as they are to be kept, where that is not as they came.
        """
        whole = {name: np.concatenate(parts) for name, parts in self._parts.items() if _alike(parts)}
        if order is not None:
            whole = {name: array[list(order)] for name, array in whole.items()}
        if not whole:
            return {"why": self._why or "no output is an array of numbers of one shape"}
        return {**arrays.keep(root, whole), "names": sorted(whole)}


def _alike(parts: list[Any]) -> bool:
    return len({(part.dtype, part.shape[1:]) for part in parts}) == 1

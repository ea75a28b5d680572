"""Readers of datasets: from files to items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Item:
    """One item: an id that is stable across runs, what goes in, and the reference answer.

    ``input`` is raw (text, bytes, a path to a picture, an array) or, for models with several
    inputs, a mapping of fields. ``label`` is None for data without answers.
    """

    id: str
    input: Any
    label: Any = None


class Reader(Protocol):
    """One file in ``datasets/``: reads one format."""

    OPTIONS: Mapping[str, Any]
    """JSON Schema of the options that a dataset manifest may give; ``asset`` or ``assets`` name files."""

    def read(self, files: Mapping[str, Path], options: Mapping[str, Any]) -> Iterator[Item]:
        """The items in their published order; ``files`` maps names of assets to paths.

        Raises:
            DocumentError: a file is not of the format, with file and line (or record) where it breaks.
        """


class SoundReader(Reader, Protocol):
    """A reader of recordings, whose option ``rate`` says how many samples there are in a second."""

    def framed(
        self, sound: NDArray[np.float32], options: Mapping[str, Any]
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """What ``read`` makes items of, of one recording [samples] in -1 to 1: each with the sample it begins at."""

"""Importers: what a model's file says of itself, read without running anything of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or an output as a file describes it: its ``name`` as the framework knows it, ``dtype`` as manifests
    spell it (None: the file does not say), and ``shape``: lengths, names of axes that may have any, None where the
    file says nothing of it.
    """

    name: str
    dtype: str | None = None
    shape: tuple[int | str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """What a file says: ``inputs`` and ``outputs`` in the framework's order; ``files`` maps roles to files or folders,
    ``frameworks`` maps those that run it to the keys that their section needs; ``notes`` are sentences for a person;
    ``beside`` are files without which the model is not whole, and that a manifest cannot name by themselves.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    files: Mapping[str, Path]
    frameworks: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...] = ()
    beside: tuple[Path, ...] = ()


class Importer(Protocol):
    """One file in ``importers/``: reads one format."""

    def fits(self, path: Path, start: bytes) -> bool:
        """Whether a file or folder is of the format, by its name and the first 512 bytes of it (none of a folder)."""

    def read(self, path: Path) -> Described:
        """What it says of itself, within bounds of memory and time that do not depend on what the file claims.

        Raises:
            DocumentError: it is damaged, larger than what is read, or no model that any framework here runs.
        """


class Gatherer(Importer, Protocol):
    """An importer of models that may be spread over several files."""

    def gather(self, path: Path, target: Path) -> None:
        """Write a new file that holds the model and all that lies beside it.

        Raises:
            DocumentError: it cannot be held by one file.
        """

"""SHA-256 of files and of trees of files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def file_digest(path: Path) -> str:
    """The SHA-256 of one file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_files(folder: Path) -> list[str]:
    """The files below a folder, as paths relative to it, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def tree_digest(folder: Path, files: Iterable[str]) -> str:
    """The SHA-256 of the listing ``<sha256>  <path>`` of these files, sorted by path, in hex."""
    listing = "".join(f"{file_digest(folder / name)}  {name}\n" for name in sorted(files))
    return hashlib.sha256(listing.encode()).hexdigest()


def measure(path: Path) -> tuple[str, int]:
    """The SHA-256 and the size in bytes of a file, or of a folder as a tree."""
    if not path.is_dir():
        return file_digest(path), path.stat().st_size
    files = tree_files(path)
    return tree_digest(path, files), sum((path / name).stat().st_size for name in files)

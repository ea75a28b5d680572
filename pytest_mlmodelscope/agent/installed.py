"""What is installed in an environment: its packages and their files, counted, deleted and looked at again."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.agent.libraries import program_path, search_path
from pytest_mlmodelscope.core.framework import EnvironmentSpec

_PLACES: Final = ("lib/python*/site-packages", "root/usr/lib/python3/dist-packages")


def places(folder: Path) -> list[Path]:
    """The folders of modules of an environment: ``site-packages``, or what Debian has instead."""
    return sorted(place for pattern in _PLACES for place in folder.glob(pattern))


def packages(folder: Path) -> dict[str, str]:
    """Name and version of everything that is installed."""
    return {found.metadata["Name"]: found.version for found in _distributions(folder)}


def variables(folder: Path, spec: EnvironmentSpec) -> dict[str, str]:
    """What a worker gets: the framework's variables, and where the environment's libraries are."""
    own = {name: value.replace("{environment}", str(folder)) for name, value in spec.variables.items()}
    libraries = search_path(folder)
    programs = program_path(folder) if spec.libraries.programs else iter(())
    return {**own, **_before("LD_LIBRARY_PATH", libraries), **_before("PATH", programs)}


def _before(variable: str, places: Iterator[Path]) -> dict[str, str]:
    """A list of folders with these at its front, where there are any."""
    found = [str(place) for place in places]
    if not found:
        return {}
    found += filter(None, [os.environ.get(variable)])
    return {variable: os.pathsep.join(found)}


def size(folder: Path) -> int:
    """Bytes on disk; files that several environments share are counted in each."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())


def prune(folder: Path, globs: Iterable[str]) -> int:
    """Delete what is never used, and return the bytes of it.

    The installer's cache has names of its own for the same files, so nothing is lost there.
    """
    found = [path for place in places(folder) for pattern in globs for path in sorted(place.glob(pattern))]
    return sum(delete(path) for path in found)


def delete(path: Path) -> int:
    """Delete a file or a folder, and return the bytes of it."""
    if path.is_dir() and not path.is_symlink():
        freed = size(path)
        shutil.rmtree(path)
        return freed
    freed = path.lstat().st_size
    path.unlink()
    return freed


def damage(folder: Path, content: bool = False) -> Iterator[tuple[str, str]]:
    """Files that are not as their packages say, and what is wrong with each: they are missing or of
    another size, or with ``content`` of other bytes.
    """
    for distribution in _distributions(folder):
        for row in csv.reader((distribution.read_text("RECORD") or "").splitlines()):
            path = Path(str(distribution.locate_file(row[0])))
            if complaint := _complaint(path, row, content):
                yield str(path.relative_to(folder)), complaint


def _complaint(path: Path, row: list[str], content: bool) -> str | None:
    _, digest, size = row
    # Compiled code and what the installer writes itself have neither; scripts are written anew.
    if not digest or not size:
        return None
    if not path.exists():
        return "is missing"
    if path.stat().st_size != int(size):
        return f"has {path.stat().st_size:,} bytes, not {int(size):,}"
    return "has other bytes than were installed" if content and _digest(path, digest) != digest else None


def _digest(path: Path, like: str) -> str:
    """The hash of a file, written as wheels write it: ``sha256=`` and URL-safe base 64 without padding."""
    name = like.partition("=")[0]
    with path.open("rb") as file:
        found = hashlib.file_digest(file, name).digest()
    return f"{name}={base64.urlsafe_b64encode(found).rstrip(b'=').decode()}"


def _distributions(folder: Path) -> Iterable[metadata.Distribution]:
    return metadata.distributions(path=[str(place) for place in places(folder)])


def version(distribution: str, found: Mapping[str, str]) -> str | None:
    """The version of one of these packages, however its name is written."""
    from packaging.utils import canonicalize_name

    by_name = {canonicalize_name(name): version for name, version in found.items()}
    return by_name.get(canonicalize_name(distribution))

"""System libraries and programs of an environment: unpacked in its folder, found by the worker, installed nowhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.agent.install import InstallError, interpreter
from pytest_mlmodelscope.core.errors import AssetError
from pytest_mlmodelscope.core.framework import Libraries
from pytest_mlmodelscope.manifest.sources import debian

#: The folders of an environment with the names of libraries, and with what was unpacked.
LINKS: Final = "libraries"
UNPACKED: Final = "unpacked"
_LIBRARY: Final = re.compile(r"lib.+\.so(\.[0-9]+)*")


def provide(libraries: Libraries, folder: Path, progress: Callable[[str], None], offline: bool = False) -> None:
    """Unpack the libraries and programs that the system has not, and link those that want another name.

    Raises:
        InstallError: one cannot be had.
    """
    lacking = [package for name, package in libraries.debian.items() if not _loads(name, folder)]
    lacking += [package for name, package in libraries.programs.items() if shutil.which(name) is None]
    if lacking and offline:
        raise InstallError(f"Debian's {', '.join(lacking)} cannot be fetched offline")
    for package in dict.fromkeys(lacking):
        _unpack(package, folder, progress)
    if libraries.links:
        (folder / LINKS).mkdir()
    for name, target in libraries.links.items():
        found = next(iter(sorted(folder.rglob(target))), None)
        if found is None:
            raise InstallError(f"there is no {target} in the environment for {name}")
        (folder / LINKS / name).symlink_to(found)


def search_path(folder: Path) -> Iterator[Path]:
    """The folders of an environment in which its worker finds libraries."""
    if (folder / LINKS).is_dir():
        yield folder / LINKS
    unpacked = (folder / UNPACKED).rglob("lib*.so*")
    yield from sorted({file.parent for file in unpacked if _LIBRARY.fullmatch(file.name)})


def program_path(folder: Path) -> Iterator[Path]:
    """The folders of an environment in which its worker finds programs of the system."""
    places = (folder / UNPACKED / name for name in ("usr/bin", "bin"))
    yield from (place for place in places if place.is_dir())


def _loads(name: str, folder: Path) -> bool:
    """Whether a worker would find a library; another process tries, as libraries start when they are loaded."""
    command = [str(interpreter(folder)), "-I", "-c", f"import ctypes; ctypes.CDLL({name!r})"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _unpack(package: str, folder: Path, progress: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        try:
            files = debian.with_dependencies(package, Path(scratch), progress)
        except AssetError as error:
            raise InstallError(str(error)) from None
        for file in files:
            command = ["dpkg-deb", "--extract", str(file), str(folder / UNPACKED)]
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
            if done.returncode:
                raise InstallError(f"{file.name} cannot be unpacked: {done.stderr.strip()}")

"""Python interpreters on this machine that an environment can be built with."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

_ASK = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
_NAME = re.compile(r"python3\.\d+")
#: Where systems have their interpreters, be it on PATH or not.
_OF_SYSTEMS = (Path("/usr/local/bin"), Path("/usr/bin"))


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An executable and its version."""

    path: Path
    version: Version


def fitting(specifier: str) -> Iterator[Interpreter]:
    """The interpreters that satisfy ``>=3.10,<3.15`` and the like: the host's, then newest first."""
    wanted = SpecifierSet(specifier)
    host = Interpreter(Path(sys.executable), Version("{}.{}.{}".format(*sys.version_info[:3])))
    if wanted.contains(host.version, prereleases=True):
        yield host
    others = sorted(_others(), key=lambda found: found.version, reverse=True)
    yield from (found for found in others if wanted.contains(found.version, prereleases=True))


def how_to_get(specifier: str) -> str:
    """The command that brings an interpreter of this kind, where one is known."""
    wanted = SpecifierSet(specifier)
    offered = [version for version in downloadable() if wanted.contains(version)]
    if offered:
        return f"uv python install {max(offered).major}.{max(offered).minor}"
    old = [minor for minor in range(5, 8) if wanted.contains(f"3.{minor}.9") or wanted.contains(f"3.{minor}.15")]
    if old:
        return f"pyenv install 3.{max(old)} (pyenv compiles old versions; uv has none older than 3.8)"
    return f"put a Python {specifier} on PATH"


@functools.cache
def downloadable() -> tuple[Version, ...]:
    """The releases of CPython that uv can fetch; none where uv does not run."""
    uv = find_uv()
    if uv is None:
        return ()
    command = [uv, "python", "list", "--only-downloads", "--all-versions", "--offline", "--output-format", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        listed = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return ()
    found = {Version(entry["version"]) for entry in listed if entry["implementation"] == "cpython"}
    return tuple(sorted(version for version in found if not version.is_prerelease))


@functools.cache
def find_uv() -> str | None:
    """The uv that came with this package, or another one; None where none runs."""
    try:
        from uv import find_uv_bin

        found: str | None = find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        return None
    try:
        subprocess.run([found, "--version"], capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return found


def _others() -> Iterator[Interpreter]:
    seen = {Path(sys.executable).resolve()}
    for path in _executables():
        if path.resolve() in seen:
            continue
        seen.add(path.resolve())
        if (version := _version(path)) is not None:
            yield Interpreter(path, version)


def _executables() -> Iterator[Path]:
    """Executables called python3.N on PATH and of the system, those of pyenv (whose shims are not
    interpreters), and those that uv fetched.
    """
    folders = [*map(Path, os.environ.get("PATH", "").split(os.pathsep)), *_OF_SYSTEMS]
    for folder in dict.fromkeys(folders):
        if folder.name != "shims":
            yield from (path for path in _matching(folder, "python3.*") if _NAME.fullmatch(path.name))
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from _matching(pyenv, "versions/*/bin/python")
    data = Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local/share"))
    yield from _matching(Path(os.environ.get("UV_PYTHON_INSTALL_DIR", data / "uv/python")), "cpython-*/bin/python")


def _matching(folder: Path, pattern: str) -> list[Path]:
    """The files below a folder; none where it is another user's."""
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


@functools.cache
def _version(path: Path) -> Version | None:
    try:
        done = subprocess.run(  # an interpreter that the user installed
            [path, "-I", "-c", _ASK], capture_output=True, text=True, timeout=20, check=True
        )
        return Version(done.stdout.strip())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None

"""Python interpreters on this machine that an environment can be built with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

_ASK = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
_NAME = re.compile(r"python3\.\d+")


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


def _others() -> Iterator[Interpreter]:
    seen = {Path(sys.executable).resolve()}
    for path in _executables():
        if path.resolve() in seen:
            continue
        seen.add(path.resolve())
        if (version := _version(path)) is not None:
            yield Interpreter(path, version)


def _executables() -> Iterator[Path]:
    """Executables called python3.N on PATH, and those of pyenv (whose shims are not interpreters)."""
    for folder in map(Path, os.environ.get("PATH", "").split(os.pathsep)):
        if folder.name != "shims" and folder.is_dir():
            yield from sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob("versions/*/bin/python"))


def _version(path: Path) -> Version | None:
    try:
        done = subprocess.run(  # noqa: S603  # an interpreter that the user installed
            [path, "-I", "-c", _ASK], capture_output=True, text=True, timeout=20, check=True
        )
        return Version(done.stdout.strip())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None

"""The ways by which a .venv and a package installer come about, best first.

uv that is there already, Python's own ensurepip, the host's pip, or on Debian the pip of the
package ``python3-pip-whl``, fetched and unpacked without root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class StepFailed(Exception):
    """A command of the set-up failed; ``tail`` holds the last lines that it printed."""

    def __init__(self, what: str, tail: Sequence[str] = ()) -> None:
        self.what = what
        self.tail = tuple(tail)
        super().__init__(what)


class Setup:
    """One checkout and the environment in it; ``settings`` are variables for uv."""

    def __init__(self, root: Path, python: str) -> None:
        self.root = root
        self.host_python = python
        self.venv = root / ".venv"
        self.python = self.venv / "bin" / "python"
        self.log = self.venv / "setup.log"
        self.constraints = root / "constraints.txt"
        self.project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
        self.settings: dict[str, str] = {}
        self._begun = time.monotonic()

    def tell(self, line: str) -> None:
        """A progress line for a person, with the seconds since the start."""
        print(f"[{time.monotonic() - self._begun:5.1f} s] {line}", file=sys.stderr, flush=True)

    def environ(self) -> dict[str, str]:
        """The variables of all that is started: this environment's programs first, no packages from elsewhere."""
        kept = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONHOME"}}
        path = f"{self.venv / 'bin'}{os.pathsep}{kept.get('PATH', os.defpath)}"
        if self.python.exists() and kept.pop("PYTHONDONTWRITEBYTECODE", ""):
            # Compiled modules halve the time of a run: kept where they are in nobody's way.
            kept["PYTHONPYCACHEPREFIX"] = str(self.venv / "bytecode")
        own = {"VIRTUAL_ENV": str(self.venv), "PATH": path, "PIP_USER": "0", "UV_PYTHON_DOWNLOADS": "never"}
        return {**self.settings, **kept, **own}

    def run(self, command: Sequence[str | Path], cwd: Path | None = None, **variables: str) -> str:
        """What a command prints, which also goes to the log.

        Raises:
            StepFailed: it could not be started, or did not exit with 0.
        """
        words = [str(word) for word in command]
        environ = {**self.environ(), **variables}
        try:
            done = subprocess.run(  # noqa: PLW1510
                words,
                cwd=cwd or self.root,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise StepFailed(f"{words[0]}: {error.strerror}") from error
        if self.venv.is_dir():
            with self.log.open("a", encoding="utf-8") as log:
                log.write(f"$ {' '.join(words)}\n{done.stdout}")
        if done.returncode != 0:
            raise StepFailed(f"{' '.join(words)} (exit status {done.returncode})", done.stdout.splitlines()[-15:])
        return done.stdout

    def works(self) -> bool:
        """Whether .venv holds a Python that starts."""
        try:
            self.run([self.python, "-c", ""])
        except StepFailed:
            return False
        return True

    def clear(self) -> None:
        """Removes .venv, and refuses to remove anything that is not an environment.

        Raises:
            StepFailed: something else is called .venv.
        """
        ours = (self.venv / "pyvenv.cfg").exists() or (self.venv / "debian").exists()
        if ours:
            shutil.rmtree(self.venv)
        elif self.venv.exists():
            raise StepFailed(f"{self.venv} is not a Python environment: move it away")

    def requirements(self, groups: Iterable[str]) -> list[str]:
        """What the dependency groups of pyproject.toml ask for; for those who work on it also what its extras do."""
        chosen = list(groups)
        lines = [line for group in chosen for line in self.project["dependency-groups"][group]]
        extras = self.project["project"].get("optional-dependencies", {}) if "dev" in chosen else {}
        return list(dict.fromkeys([*lines, *(line for extra in extras.values() for line in extra)]))


class Installer(Protocol):
    """Builds the project's wheel, and puts it and other packages into .venv."""

    def install(self, *what: str | Path) -> None:
        """Packages by requirement, wheels by path; a wheel replaces what is there."""

    def build(self, folder: Path) -> None:
        """The project's wheel, into a folder."""


@dataclass(frozen=True)
class Uv:
    """An installer: the uv that ``command`` names."""

    setup: Setup
    command: str | Path

    def install(self, *what: str | Path) -> None:
        """Packages by requirement, wheels by path; a wheel replaces what is there."""
        again = ("--reinstall-package", self.setup.project["project"]["name"])
        pinned = ("--constraints", self.setup.constraints)
        self.setup.run([self.command, "pip", "install", "--python", self.setup.python, *pinned, *again, *what])

    def build(self, folder: Path) -> None:
        """The project's wheel, into a folder."""
        options = ("--python", self.setup.python, "--build-constraints", self.setup.constraints, "--out-dir", folder)
        self.setup.run([self.command, "build", "--wheel", *options, self.setup.root])


@dataclass(frozen=True)
class Pip:
    """An installer: the pip that ``command`` starts."""

    setup: Setup
    command: tuple[str | Path, ...]

    def install(self, *what: str | Path) -> None:
        """Packages by requirement, wheels by path; a wheel replaces what is there."""
        wheels = [path for path in what if isinstance(path, Path)]
        if wheels:
            self.setup.run([*self.command, "install", "--force-reinstall", "--no-deps", *wheels])
        self.setup.run([*self.command, "install", "--constraint", self.setup.constraints, *what])

    def build(self, folder: Path) -> None:
        """The project's wheel, into a folder."""
        command = [*self.command, "wheel", "--no-deps", "--wheel-dir", folder, self.setup.root]
        self.setup.run(command, PIP_CONSTRAINT=str(self.setup.constraints))


def by_uv(setup: Setup) -> Installer:
    """With the uv that is on PATH."""
    command = shutil.which("uv")
    if command is None:
        raise StepFailed("uv is not on PATH")
    setup.run([command, "venv", "--python", setup.host_python, setup.venv])
    return Uv(setup, command)


def by_ensurepip(setup: Setup) -> Installer:
    """With Python's own venv and pip."""
    setup.run([setup.host_python, "-c", "import ensurepip"])
    setup.run([setup.host_python, "-m", "venv", setup.venv])
    return Pip(setup, (setup.python, "-m", "pip"))


def by_host_pip(setup: Setup) -> Installer:
    """With the host's pip, which installs into .venv and nowhere else."""
    setup.run([setup.host_python, "-m", "pip", "--version"])
    setup.run([setup.host_python, "-m", "venv", "--without-pip", setup.venv])
    return Pip(setup, (setup.host_python, "-m", "pip", "--python", setup.python))


def by_debian_wheel(setup: Setup) -> Installer:
    """With the pip of Debian's python3-pip-whl, unpacked inside .venv."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise StepFailed(f"{program} is not on PATH, so this is not Debian")
    setup.run([setup.host_python, "-m", "venv", "--without-pip", setup.venv])
    folder = setup.venv / "debian"
    setup.run(["dpkg-deb", "-x", _debian_package(setup, folder), folder])
    wheel = next(folder.glob("usr/share/python-wheels/pip-*.whl"), None)
    if wheel is None:
        raise StepFailed("python3-pip-whl holds no pip")
    return Pip(setup, (setup.python, wheel / "pip"))


def _debian_package(setup: Setup, folder: Path) -> Path:
    """The package's file, fetched with package lists of our own where the machine has none."""
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    places = (f"Dir::State::Lists={folder / 'lists'}", f"Dir::Cache={folder / 'cache'}")
    rootless = [word for option in (*places, "Debug::NoLocking=1", "APT::Sandbox::User=") for word in ("-o", option)]
    download = ("download", "python3-pip-whl")
    try:
        setup.run(["apt-get", *download], cwd=folder)
    except StepFailed:
        setup.run(["apt-get", *rootless, "update"])
        setup.run(["apt-get", *rootless, *download], cwd=folder)
    package = next(folder.glob("python3-pip-whl_*.deb"), None)
    if package is None:
        raise StepFailed("apt-get fetched no python3-pip-whl")
    return package


WAYS: tuple[Callable[[Setup], Installer], ...] = (by_uv, by_ensurepip, by_host_pip, by_debian_wheel)

"""Environments that were built, each in a folder named by the hash of what it was asked to be.

A virtual environment cannot be moved, so it is built in its place; a file that is written last
says that it is complete. What a killed build left has no such file, and is built anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pytest_mlmodelscope.agent.archive import archive
from pytest_mlmodelscope.agent.install import InstallError, Plan, install, interpreter
from pytest_mlmodelscope.agent.interpreters import fitting
from pytest_mlmodelscope.agent.libraries import provide, search_path
from pytest_mlmodelscope.agent.versions import PLACE
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable
from pytest_mlmodelscope.core.framework import Attempt, EnvironmentSpec

_COMPLETE: Final = "mlms-environment.json"
_CHECK: Final = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
importlib.import_module("pytest_mlmodelscope.frameworks." + sys.argv[2] + ".predictor")
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an environment is to be: a framework's version, and packages beside it.

    ``asked`` is a requirement on the version, such as ``==1.2``, where it is not the listed one.
    """

    framework: str
    spec: EnvironmentSpec
    packages: tuple[str, ...] = ()
    asked: str | None = None

    @property
    def title(self) -> str:
        """As it is called in messages."""
        version = self.spec.version if self.asked is None else self.asked.removeprefix("==")
        return f"{self.framework} {version}" + (f" with {', '.join(self.packages)}" if self.packages else "")

    @property
    def lock(self) -> Path | None:
        """The pins that are installed, which are those of the listed version."""
        return self.spec.lock if self.asked is None else None

    def requirements(self, attempt: Attempt) -> tuple[str, ...]:
        """What is installed in one attempt, beside the packages."""
        version = self.asked or f"=={self.spec.version}"
        return tuple(text.replace(PLACE, version) for text in attempt.requirements or self.spec.requirements)

    @property
    def key(self) -> str:
        """The same for the same content on the same kind of machine; a folder's name."""
        content = [
            self.framework,
            self.spec.version,
            self.spec.python,
            self.spec.requirements,
            [[attempt.requirements, attempt.torch_backend] for attempt in self.spec.attempts],
            self.lock and self.lock.read_text(encoding="utf-8"),
            [self.spec.libraries.debian, dict(self.spec.libraries.links)],
            self.spec.prune,
            sorted(self.packages),
            self.asked,
            sysconfig.get_platform(),
        ]
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        version = re.sub(r"[^A-Za-z0-9.]+", "_", self.asked or self.spec.version).strip("_")
        return f"{self.framework}-{version}-{digest[:16]}"


class BuiltEnvironments:
    """The folder ``envs`` of the cache, which several processes may use at once."""

    def __init__(self, root: Path, offline: bool, progress: Callable[[str], None]) -> None:
        self._root = root / "envs"
        self._offline = offline
        self._progress = progress

    def obtain(self, wish: Wish) -> Path:
        """The folder of a complete environment, built now where there is none.

        Raises:
            EnvironmentUnavailable: no interpreter fits, or nothing could be installed.
        """
        folder = self.folder(wish.key)
        if not _usable(folder):
            with self._locked(wish.key, f"waiting for another session that builds {wish.title}"):
                if not _usable(folder):
                    self._build(wish, folder)
        return folder

    def folder(self, key: str) -> Path:
        """Where the environment of this key is, or would be."""
        return self._root / key

    def all(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Key and description (framework, version, python, packages) of every complete one."""
        for file in sorted(self._root.glob(f"*/{_COMPLETE}")):
            yield file.parent.name, self.about(file.parent.name)

    def about(self, key: str) -> Mapping[str, Any]:
        """The description of a complete one."""
        about: Mapping[str, Any] = json.loads((self.folder(key) / _COMPLETE).read_text(encoding="utf-8"))
        return about

    def verify(self, key: str) -> None:
        """Import its framework once more.

        Raises:
            EnvironmentUnavailable: that fails; says how.
        """
        folder = self.folder(key)
        about = self.about(key)
        try:
            _check(folder, about["framework"], about["variables"])
        except InstallError as error:
            hint = f"mlms env remove {key}; it is built again when it is needed"
            raise EnvironmentUnavailable("does not work any more", where=folder, got=str(error), hint=hint) from None

    def remove(self, key: str) -> None:
        """Delete one, complete or not."""
        with self._locked(key, f"waiting for another session that uses {key}"):
            (self.folder(key) / _COMPLETE).unlink(missing_ok=True)
            shutil.rmtree(self.folder(key), ignore_errors=True)

    def size(self, key: str) -> int:
        """Bytes on disk; files that several environments share are counted in each."""
        return sum(file.lstat().st_size for file in self.folder(key).rglob("*") if file.is_file())

    def _locked(self, key: str, waiting: str) -> FileLock:
        self._root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._root / f"{key}.lock")
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            self._progress(waiting)
            lock.acquire()
        return lock

    def _build(self, wish: Wish, folder: Path) -> None:
        self._progress(f"building the environment of {wish.title}")
        failures = []
        for python, attempt in self._tries(wish.spec):
            try:
                self._attempt(wish, folder, python, attempt)
            except InstallError as error:
                shutil.rmtree(folder, ignore_errors=True)
                failures.append((python, str(error)))
            else:
                return
        raise self._unavailable(wish, failures)

    def _tries(self, spec: EnvironmentSpec) -> Iterator[tuple[str, Attempt]]:
        # Where no interpreter fits, uv may have one of its own, or can download one.
        pythons = [str(found.path) for found in fitting(spec.python)] or [spec.python]
        return ((python, attempt) for python in pythons for attempt in spec.attempts)

    def _attempt(self, wish: Wish, folder: Path, python: str, attempt: Attempt) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        requirements = wish.requirements(attempt)
        install(Plan(folder, python, requirements, wish.packages, wish.lock, attempt.torch_backend, self._offline))
        provide(wish.spec.libraries, folder, self._progress)
        freed = _prune(folder, wish.spec.prune)
        self._progress(f"checking the environment of {wish.title}")
        own = variables(folder, wish.spec)
        _check(folder, wish.framework, own)
        installed = packages(folder)
        about = {
            "framework": wish.framework,
            "version": _version(wish, requirements, installed),
            "python": os.fspath(interpreter(folder).resolve()),
            "requirements": [*requirements, *wish.packages],
            "packages": installed,
            "variables": own,
            "pruned_bytes": freed,
        }
        _mark(folder, about)

    def _unavailable(self, wish: Wish, failures: list[tuple[str, str]]) -> EnvironmentUnavailable:
        python, said = failures[0]
        if python == wish.spec.python:
            what = f"{wish.title} wants Python {python}, and there is none here"
            hint = f'uv python install "{python}"'
        else:
            what = f"the environment of {wish.title} cannot be built"
            online = "look at the requirements and at the network"
            hint = "run once without the offline switch" if self._offline else online
        got = "\n            ".join(said.splitlines())
        return EnvironmentUnavailable(what, got=f"with {python}: {got}", hint=hint)


def packages(folder: Path) -> dict[str, str]:
    """Name and version of everything that is installed in an environment."""
    places = [str(place) for place in folder.glob("lib/python*/site-packages")]
    return {found.metadata["Name"]: found.version for found in metadata.distributions(path=places)}


def variables(folder: Path, spec: EnvironmentSpec) -> dict[str, str]:
    """What a worker gets in this environment: the framework's variables, and where its libraries are."""
    found = [str(place) for place in search_path(folder)]
    if not found:
        return dict(spec.variables)
    found += filter(None, [os.environ.get("LD_LIBRARY_PATH")])
    return {**spec.variables, "LD_LIBRARY_PATH": os.pathsep.join(found)}


def _usable(folder: Path) -> bool:
    # The interpreter that it was made from may have been removed since.
    return (folder / _COMPLETE).is_file() and interpreter(folder).exists()


def _prune(folder: Path, globs: Iterable[str]) -> int:
    """Delete what is never used; the bytes of it. The installer's cache keeps its own names of the files."""
    freed = 0
    for place in folder.glob("lib/python*/site-packages"):
        for path in (found for pattern in globs for found in sorted(place.glob(pattern))):
            files = [path, *path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
            freed += sum(file.lstat().st_size for file in files if not file.is_dir())
            shutil.rmtree(path) if len(files) > 1 or path.is_dir() else path.unlink()
    return freed


def _version(wish: Wish, requirements: Iterable[str], installed: Mapping[str, str]) -> str:
    """The framework's version; where a range was asked for, the one that was installed."""
    if wish.asked is None:
        return wish.spec.version
    texts = zip(wish.spec.requirements, requirements, strict=False)
    name = next((Requirement(text).name for raw, text in texts if PLACE in raw), wish.framework)
    found = {canonicalize_name(known): version for known, version in installed.items()}
    return found.get(canonicalize_name(name), wish.asked.removeprefix("=="))


def _check(folder: Path, framework: str, own: Mapping[str, str]) -> None:
    """Import the framework's predictor, as a worker does."""
    with tempfile.TemporaryDirectory(prefix="mlms-check-") as scratch:
        code = Path(scratch) / "worker.zip"
        code.write_bytes(archive(framework))
        command = [str(interpreter(folder)), "-I", "-c", _CHECK, str(code), framework]
        seen = {"PATH": os.environ.get("PATH", ""), "CI": "true", **own, "HOME": scratch, "TMPDIR": scratch}
        try:
            done = subprocess.run(  # noqa: S603  # our own code
                command, capture_output=True, text=True, errors="replace", env=seen, cwd=scratch, check=False
            )
        except OSError as error:
            raise InstallError(str(error)) from None
    if done.returncode:
        raise InstallError("\n".join(done.stderr.splitlines()[-4:]) or f"the import ended with {done.returncode}")


def _mark(folder: Path, about: Mapping[str, Any]) -> None:
    partial = folder / (_COMPLETE + ".partial")
    partial.write_text(json.dumps(about, indent=1), encoding="utf-8")
    partial.replace(folder / _COMPLETE)

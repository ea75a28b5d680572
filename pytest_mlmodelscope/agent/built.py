"""Environments that were built, each in a folder named by the hash of what it was asked to be.

A virtual environment cannot be moved, so it is built in its place; a file that is written last
says that it is complete. What a killed build left has no such file, and is built anew.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.agent import installed
from pytest_mlmodelscope.agent.build import Job, build, check
from pytest_mlmodelscope.agent.install import InstallError, interpreter
from pytest_mlmodelscope.agent.wish import Wish
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable
from pytest_mlmodelscope.manifest.cache import refusal

_COMPLETE: Final = "mlms-environment.json"


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
        try:
            if not _usable(folder):
                with self._locked(wish.key, f"waiting for another session that builds {wish.title}") as held:
                    if not _usable(folder):
                        _mark(folder, build(Job(wish, folder, self._offline, self._progress, held)))
        except OSError as error:
            refused = refusal(error, self._root)
            raise EnvironmentUnavailable(refused.what, where=refused.where, hint=refused.hint) from None
        return folder

    def folder(self, key: str) -> Path:
        """Where the environment of this key is, or would be."""
        return self._root / key

    def all(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Key and description (framework, version, python, packages...) of every complete one."""
        for file in sorted(self._root.glob(f"*/{_COMPLETE}")):
            yield file.parent.name, self.about(file.parent.name)

    def complete(self, key: str) -> bool:
        """Whether the environment of this key was built to its end."""
        return (self.folder(key) / _COMPLETE).is_file()

    def usable(self, key: str) -> bool:
        """Whether it is complete, and the interpreter that it was made from is still there."""
        return _usable(self.folder(key))

    def incomplete(self) -> list[str]:
        """The keys of those whose build was stopped, or goes on."""
        there = sorted(path.name for path in self._root.glob("*/") if path.is_dir())
        return [key for key in there if not self.complete(key)]

    def about(self, key: str) -> Mapping[str, Any]:
        """The description of a complete one."""
        about: Mapping[str, Any] = json.loads((self.folder(key) / _COMPLETE).read_text(encoding="utf-8"))
        return about

    def verify(self, key: str, content: bool = False) -> None:
        """Import its framework once more, and look whether its files are those that were installed:
        their sizes, or with ``content`` every byte.

        Raises:
            EnvironmentUnavailable: that fails; says how.
        """
        folder = self.folder(key)
        hint = f"mlms env remove {key}; it is built again when it is needed"
        if not self.complete(key):
            raise EnvironmentUnavailable("was not built to its end", where=folder, hint=hint)
        about = self.about(key)
        try:
            check(folder, about["framework"], about.get("variables", {}), about.get("emulated"))
        except InstallError as error:
            raise EnvironmentUnavailable("does not work any more", where=folder, got=str(error), hint=hint) from None
        amiss = set(about.get("amiss", ()))
        wrong = [f"{path} {what}" for path, what in installed.damage(folder, content) if path not in amiss]
        if wrong:
            more = f" (and {len(wrong) - 1:,} more)" if wrong[1:] else ""
            raise EnvironmentUnavailable("is not as it was installed", where=folder, got=wrong[0] + more, hint=hint)

    def remove(self, key: str) -> None:
        """Delete one, complete or not."""
        with self._locked(key, f"waiting for another session that uses {key}"):
            (self.folder(key) / _COMPLETE).unlink(missing_ok=True)
            shutil.rmtree(self.folder(key), ignore_errors=True)

    def size(self, key: str) -> int:
        """Bytes on disk; files that several environments share are counted in each."""
        return installed.size(self.folder(key))

    @contextmanager
    def _locked(self, key: str, waiting: str) -> Iterator[int]:
        """Hold a key against other processes and threads, with a descriptor that a child can hold on to."""
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / f"{key}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._progress(waiting)
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file.fileno()


def _usable(folder: Path) -> bool:
    # The interpreter that it was made from may have been removed since.
    return (folder / _COMPLETE).is_file() and interpreter(folder).exists()


def _mark(folder: Path, about: Mapping[str, Any]) -> None:
    partial = folder / (_COMPLETE + ".partial")
    partial.write_text(json.dumps(about, indent=1), encoding="utf-8")
    partial.replace(folder / _COMPLETE)

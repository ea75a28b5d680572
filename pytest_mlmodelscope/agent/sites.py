"""Packages for another machine: installed here for its kind of machine and its Python, kept as one archive.

Nothing of them runs here. An archive lies in ``sites`` of the cache, in a folder named by the hash of what was
asked for; the file that describes it is written last.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.agent import installed
from pytest_mlmodelscope.agent.build import unavailable, version_of
from pytest_mlmodelscope.agent.install import Foreign, InstallError, Plan, install_for
from pytest_mlmodelscope.agent.wish import Wish
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable
from pytest_mlmodelscope.core.framework import Attempt
from pytest_mlmodelscope.manifest.cache import refusal
from pytest_mlmodelscope.manifest.digest import file_digest

_ARCHIVE: Final = "site.tar"
_COMPLETE: Final = "mlms-site.json"


@dataclass(frozen=True, slots=True)
class Site:
    """An archive of packages. ``about`` describes it: framework, version, packages, requirements, sha256..."""

    key: str
    archive: Path
    about: Mapping[str, Any]


class Sites:
    """The folder ``sites`` of the cache, which several processes may use at once."""

    def __init__(self, root: Path, offline: bool, progress: Callable[[str], None]) -> None:
        self._root = root / "sites"
        self._offline = offline
        self._progress = progress

    def obtain(self, wish: Wish, kind: Foreign) -> Site:
        """The archive for a kind of machine, made now where there is none.

        Raises:
            EnvironmentUnavailable: the packages cannot be had for it.
        """
        from filelock import FileLock

        key = key_of(wish, kind)
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            with FileLock(self._root / f"{key}.lock"):
                if not (self._root / key / _COMPLETE).is_file():
                    self._make(wish, kind, self._root / key)
        except OSError as error:
            refused = refusal(error, self._root)
            raise EnvironmentUnavailable(refused.what, where=refused.where, hint=refused.hint) from None
        return self._site(key)

    def all(self) -> Iterator[Site]:
        """Every complete one."""
        yield from (self._site(file.parent.name) for file in sorted(self._root.glob(f"*/{_COMPLETE}")))

    def remove(self, key: str) -> None:
        """Delete one."""
        (self._root / key / _COMPLETE).unlink(missing_ok=True)
        shutil.rmtree(self._root / key, ignore_errors=True)

    def _site(self, key: str) -> Site:
        folder = self._root / key
        return Site(key, folder / _ARCHIVE, json.loads((folder / _COMPLETE).read_text(encoding="utf-8")))

    def _make(self, wish: Wish, kind: Foreign, folder: Path) -> None:
        failures: list[tuple[str, InstallError]] = []
        for attempt in wish.spec.attempts:
            shutil.rmtree(folder, ignore_errors=True)
            try:
                about = self._tried(wish, kind, attempt, folder)
            except InstallError as error:
                failures.append((f"Python {kind.version} of {kind.platform}", error))
                continue
            finally:
                shutil.rmtree(folder / "lib", ignore_errors=True)
            (folder / _COMPLETE).write_text(json.dumps(about, indent=1), encoding="utf-8")
            return
        shutil.rmtree(folder, ignore_errors=True)
        raise unavailable(wish, failures, self._offline)

    def _tried(self, wish: Wish, kind: Foreign, attempt: Attempt, folder: Path) -> dict[str, Any]:
        started = time.monotonic()
        title = f"fetching {wish.title} for {kind.platform}, Python {kind.version}"
        self._progress(title)
        wanted = wish.requirements(attempt)
        plan = Plan(folder, "", wanted, wish.packages, wish.lock, attempt.torch_backend, self._offline)
        place = install_for(plan, kind, lambda seconds: self._progress(f"{title} ({seconds:.0f} s)"))
        freed = installed.prune(folder, wish.spec.prune)
        packages = installed.packages(folder)
        with tarfile.open(folder / _ARCHIVE, "w", format=tarfile.PAX_FORMAT) as archive:
            archive.add(place, ".", filter=_anonymous)
        return {
            "framework": wish.framework,
            "version": version_of(wish, packages),
            "python_version": kind.version,
            "platform": kind.platform,
            "requirements": [*wanted, *wish.packages],
            "packages": packages,
            "variables": dict(wish.spec.variables),
            "sha256": file_digest(folder / _ARCHIVE),
            "bytes": (folder / _ARCHIVE).stat().st_size,
            "pruned_bytes": freed,
            "seconds": round(time.monotonic() - started, 1),
        }


def key_of(wish: Wish, kind: Foreign) -> str:
    """The name of the archive, and of the folder there."""
    content = json.dumps([wish.key, kind.version, kind.platform])
    return f"{wish.key.rpartition('-')[0]}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without whose the files are here."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member

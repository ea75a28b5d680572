"""Files kept between runs, named by their content, shared by processes that run at once.

::

    objects/<aa>/<sha256>      files
    trees/<sha256>/            trees of files
    engines/<key>-<name>       files that a worker built of a model for a device
    packages/<key>/<file>      whole packages and archives, from which the others were taken
    partial/                   what is being fetched or unpacked: never looked at by others
    notes/<kind>/<name>.json   what was verified, when it was used last, what it is
    locks/

Something is in its place only when it is whole and verified: it is made in ``partial`` and moved.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pytest_mlmodelscope.core.errors import AssetError
from pytest_mlmodelscope.manifest.digest import file_digest, tree_digest, tree_files

Kind = Literal["objects", "trees", "packages", "engines"]
KINDS: Final[tuple[Kind, ...]] = ("objects", "trees", "packages", "engines")
#: Kinds of single files, and those whose names are the digests of what they are.
_FILES: Final = ("objects", "engines")
_OF_CONTENT: Final = ("objects", "trees")

#: Path below the thing kept (empty for a file), bytes, time of last change in ns.
Stamp = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of something kept: its digest, and the state of its files when it was right."""

    sha256: str
    stamps: tuple[Stamp, ...]
    origin: str = ""

    @property
    def size(self) -> int:
        """In bytes, of all files."""
        return sum(size for _, size, _ in self.stamps)


class Cache:
    """The folder of kept files: ``root``, else ``MLMS_CACHE``, else the user's own cache folder."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or _default_root()).absolute()

    def place(self, kind: Kind, name: str) -> Path:
        """Where something of this name is kept, or would be."""
        if kind == "objects":
            return self.root / kind / name[:2] / name
        return self.root / kind / name

    def find(self, kind: Kind, name: str) -> Path | None:
        """What is kept under this name, if its files are as they were when they were verified.

        Looks at sizes and times only, and takes no lock.
        """
        place, note = self.place(kind, name), self.note(kind, name)
        if note is None or stamped(place, note) != note.stamps:
            return None
        # The note of another user's cache, or one that is being pruned.
        with suppress(OSError):
            os.utime(self._note_path(kind, name))
        return place

    def recover(self, kind: Kind, name: str) -> Path | None:
        """What ``find`` did not recognise, if hashing it shows that it is right; else it is dropped.

        Call it with the lock of this name held.
        """
        place, note = self.place(kind, name), self.note(kind, name)
        if not place.exists():
            return None
        if note is None and kind in _OF_CONTENT:  # left by a process killed between moving and noting
            self._write_note(kind, name, name, "")
        return place if self.verify(kind, name) else None

    def verify(self, kind: Kind, name: str) -> bool:
        """Hash what is kept under this name; drop it where it is not what it should be."""
        place, note = self.place(kind, name), self.note(kind, name)
        try:
            right = note is not None and _digest_of(place, _tree_names(kind, note)) == note.sha256
        except OSError:
            right = False
        if note is None or not right:
            self.drop(kind, name)
            return False
        self._write_note(kind, name, note.sha256, note.origin, _tree_names(kind, note))
        return True

    def keep(self, kind: Kind, name: str, made: Path, sha256: str, origin: str) -> Path:
        """Move ``made`` (a file, or the folder of a tree, inside ``partial``) to its place.

        Call it with the lock of this name held. Files become read-only.
        """
        place = self.place(kind, name)
        if place.exists():
            self.drop(kind, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        for path in [made, *made.rglob("*")]:
            if path.is_file():
                path.chmod(0o444)
        made.rename(place)
        self._write_note(kind, name, sha256, origin)
        return place

    def drop(self, kind: Kind, name: str) -> None:
        """Remove what is kept under this name, all of it at once for who looks."""
        place = self.place(kind, name)
        self._note_path(kind, name).unlink(missing_ok=True)
        with self.scratch() as scratch:
            try:
                place.rename(scratch / "dropped")
            except FileNotFoundError:
                return

    def keep_package(self, name: str, made: Path, origin: str) -> Path:
        """Keep a whole package; ``made`` is its file inside ``partial``."""
        with self.scratch() as scratch:
            folder = scratch / "package"
            folder.mkdir()
            made.rename(folder / made.name)
            digest = tree_digest(folder, [made.name])
            return self.keep("packages", name, folder, digest, origin)

    def partial(self, name: str) -> Path:
        """The folder in which a package is fetched; it outlives a failure, so that the next try resumes."""
        folder = self.root / "partial" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder on the cache's own disk, gone at the end."""
        (self.root / "partial").mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="scratch-", dir=self.root / "partial"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def lock(self, name: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold a name against other processes and threads; ``waiting`` is called when another has it."""
        from filelock import FileLock, Timeout

        (self.root / "locks").mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.root / "locks" / f"{name}.lock")
        try:
            lock.acquire(timeout=1)
        except Timeout:
            waiting()
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def note(self, kind: Kind, name: str) -> Note | None:
        """What is known of something kept."""
        return read_note(self._note_path(kind, name))

    def last_used(self, kind: Kind, name: str) -> float:
        """When something kept was used last, in seconds since the epoch."""
        try:
            return self._note_path(kind, name).stat().st_mtime
        except OSError:
            return 0.0

    def used(self, kind: Kind, name: str, when: float) -> None:
        """Say when something kept was used last."""
        os.utime(self._note_path(kind, name), (when, when))

    def _note_path(self, kind: str, name: str) -> Path:
        return self.root / "notes" / kind / f"{name}.json"

    def _write_note(
        self, kind: Kind, name: str, sha256: str, origin: str, files: tuple[str, ...] | None = None
    ) -> None:
        place = self.place(kind, name)
        if files is None:
            files = ("",) if kind in _FILES else tuple(tree_files(place))
        write_note(self._note_path(kind, name), Note(sha256, stamps_of(place, files) or (), origin))


def _default_root() -> Path:
    given = os.environ.get("MLMS_CACHE")
    if given:
        return Path(given).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("mlmodelscope")


def folder_name(key: str) -> str:
    """A file name that a person can read and that no other key has."""
    readable = re.sub(r"[^A-Za-z0-9.+=~@-]+", "_", key)[-60:].lstrip(".")
    return f"{readable}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def _tree_names(kind: Kind, note: Note) -> tuple[str, ...] | None:
    # Of a tree only what was put there: a framework may have written beside it.
    return None if kind in _FILES else tuple(name for name, _, _ in note.stamps)


def _digest_of(place: Path, files: Any) -> str:
    return file_digest(place) if files is None else tree_digest(place, files)


def stamped(place: Path, note: Note) -> tuple[Stamp, ...] | None:
    """The stamps of the note's files as they are now; None where one is gone."""
    return stamps_of(place, tuple(name for name, _, _ in note.stamps))


def stamps_of(place: Path, files: tuple[str, ...]) -> tuple[Stamp, ...] | None:
    """Size and time of last change of files below ``place``; the name of ``place`` itself is empty."""
    try:
        states = [(name, (place / name).stat()) for name in files]
    except OSError:
        return None
    return tuple((name, state.st_size, state.st_mtime_ns) for name, state in states)


def read_note(path: Path) -> Note | None:
    """A note, or None where there is none that can be read."""
    try:
        data: Mapping[str, Any] = json.loads(path.read_bytes())
        stamps = tuple((str(name), int(size), int(time)) for name, size, time in data["stamps"])
        return Note(str(data["sha256"]), stamps, str(data["origin"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_note(path: Path, note: Note) -> None:
    """Write a note in one go."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {"sha256": note.sha256, "stamps": note.stamps, "origin": note.origin}
    handle, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(data, file)
    Path(name).replace(path)


def refusal(error: OSError, root: Path) -> AssetError:
    """What the disk refused, with what to do about it."""
    import errno

    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return AssetError(
        "the disk is full" if full else f"the cache cannot be used: {error.strerror or error}",
        where=error.filename or root,
        hint="free some: `mlms cache prune`, or with --all"
        if full
        else "set MLMS_CACHE to a folder that you may write to",
    )

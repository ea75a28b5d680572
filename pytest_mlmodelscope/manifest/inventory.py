"""What the cache holds: listed, verified, pruned."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.manifest.cache import KINDS, Cache, Kind
from pytest_mlmodelscope.store import results

_DAY: Final = 86_400.0
#: Days after which nobody looks at the results of a run any more, where nothing else is said.
STALE: Final = 30.0


@dataclass(frozen=True, slots=True)
class Entry:
    """Something kept: ``size`` in bytes, ``last_used`` in seconds since the epoch, and whence it came.

    Of the results of a run ``place`` is the file.
    """

    kind: str
    name: str
    sha256: str
    size: int
    last_used: float
    origin: str
    place: Path | None = None


def entries(cache: Cache) -> list[Entry]:
    """Everything that the cache holds, the least recently used first."""
    found = [_entry(cache, kind, name) for kind in KINDS for name in _names(cache, kind)]
    found += [_of_result(kind, path) for kind, path in results.files(cache.root)]
    return sorted(found, key=lambda entry: entry.last_used)


def _names(cache: Cache, kind: Kind) -> Iterator[str]:
    pattern = "*/*" if kind == "objects" else "*"
    return (path.name for path in sorted((cache.root / kind).glob(pattern)))


def _entry(cache: Cache, kind: Kind, name: str) -> Entry:
    note = cache.note(kind, name)
    if note is None:
        return Entry(kind, name, "", _size(cache.place(kind, name)), cache.last_used(kind, name), "")
    return Entry(kind, name, note.sha256, note.size, cache.last_used(kind, name), note.origin)


def _of_result(kind: str, path: Path) -> Entry:
    name, state = results.digest(path), path.stat()
    return Entry(kind, name, name, state.st_size, state.st_mtime, "a run", path)


def _size(path: Path) -> int:
    return sum(one.stat().st_size for one in [path, *path.rglob("*")] if one.is_file())


def verify(cache: Cache) -> list[Entry]:
    """Hash everything; drop what is damaged, and return it."""
    damaged = []
    for entry in entries(cache):
        with _held(cache, entry):
            if not _is_right(cache, entry):
                damaged.append(entry)
    return damaged


def _is_right(cache: Cache, entry: Entry) -> bool:
    """Whether it is what its name says, or gone meanwhile; what is not is dropped."""
    if entry.place is not None:
        right = results.is_right(entry.kind, entry.place)
        return right or not _drop(cache, entry)
    kind = _kind(entry)
    if not cache.place(kind, entry.name).exists():
        return True
    right = cache.recover(kind, entry.name) is not None
    if right:
        cache.used(kind, entry.name, entry.last_used)  # being verified is not being used
    return right


def _drop(cache: Cache, entry: Entry) -> bool:
    """Whether there was something to drop."""
    if entry.place is None:
        cache.drop(_kind(entry), entry.name)
        return True
    there = entry.place.exists()
    entry.place.unlink(missing_ok=True)
    return there


def _held(cache: Cache, entry: Entry) -> AbstractContextManager[None]:
    # A result comes and goes in one step.
    return cache.lock(entry.name) if entry.place is None else nullcontext()


def _kind(entry: Entry) -> Kind:
    return next(kind for kind in KINDS if kind == entry.kind)


def prune(
    cache: Cache,
    older_than: float | None = None,
    max_size: int | None = None,
    everything: bool = False,
    dry_run: bool = False,
) -> list[Entry]:
    """Remove what has not been used for ``older_than`` days, then the least recently used until at
    most ``max_size`` bytes are left. Without either, the whole packages whose parts are kept by
    themselves, and results of runs that are stale; with ``everything``, all. Returns what was, or would
    be, removed.
    """
    chosen = _chosen(entries(cache), older_than, max_size, everything)
    if dry_run:
        return chosen
    for entry in chosen:
        with _held(cache, entry):
            _drop(cache, entry)
    _clear_partial(cache, 0.0 if everything else _DAY)
    return chosen


def _chosen(found: list[Entry], older_than: float | None, max_size: int | None, everything: bool) -> list[Entry]:
    if everything:
        return found
    if older_than is None and max_size is None:
        return [entry for entry in found if entry.kind == "packages" or _is_stale(entry, STALE)]
    chosen = []
    left = sum(entry.size for entry in found)
    for entry in found:
        is_old = older_than is not None and time.time() - entry.last_used > older_than * _DAY
        if is_old or (max_size is not None and left > max_size):
            chosen.append(entry)
            left -= entry.size
    return chosen


def _is_stale(entry: Entry, days: float) -> bool:
    return entry.place is not None and time.time() - entry.last_used > days * _DAY


def _clear_partial(cache: Cache, age: float) -> None:
    """Leftovers of what was killed; another process may be at work on the young ones."""
    for path in (cache.root / "partial").glob("*"):
        if time.time() - path.stat().st_mtime >= age:
            shutil.rmtree(path, ignore_errors=True)

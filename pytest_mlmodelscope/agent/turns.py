"""One device, one timed case: whose turn it is, among all processes of this machine.

A timed case has its device for itself. The processor is every case's: kernels of a GPU are launched
from it, and a thread that waits for a GPU keeps a core busy. So a case on the processor has the whole
machine for itself, also where it is pinned to some cores, as caches and memory are shared; cases on
different GPUs may run at once, each with a GPU of its own, but never beside one on the processor.

The kernel takes a lock back when its process ends, however that happens.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.target import Machine

#: The lock of all cores.
PROCESSOR: Final = "processor"
#: Seconds after which the one who waits says for whom, and then again.
PATIENCE: Final = 5.0
_LOOK: Final = 0.05


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a lock; ``since`` in seconds since the epoch, ``what`` is the case that it times."""

    pid: int
    since: float
    what: str

    def __str__(self) -> str:
        clock = datetime.fromtimestamp(self.since).astimezone().strftime("%H:%M:%S")
        return f"process {self.pid} (times {self.what} since {clock})"


def folder() -> Path:
    """Where the locks are: one place for all users and caches of a machine; ``MLMS_LOCKS`` names another.

    Raises:
        OSError: what is there is no folder that can be used.
    """
    given = os.environ.get("MLMS_LOCKS")
    found = Path(given) if given else Path(tempfile.gettempdir()) / "mlms-locks"
    _make(found, for_all=not given)
    return found


def _make(folder: Path, for_all: bool) -> None:
    if not folder.is_dir():
        with suppress(FileExistsError):  # another was quicker; what it is comes next
            folder.mkdir(parents=True)
            folder.chmod(0o1777 if for_all else 0o755)
    if not stat.S_ISDIR(folder.lstat().st_mode) and for_all:
        # Whoever may write to a folder of temporary files could lead everything elsewhere.
        raise NotADirectoryError(errno.ENOTDIR, "it is no folder, or only a link to one", str(folder))


def locks_of(machine: Machine) -> list[tuple[str, bool]]:
    """The locks that a timed case needs, in the order in which all take them, and whether each is for it alone."""
    # Whoever logs in there, it is the same machine.
    there = urlsplit(machine.address).netloc.rpartition("@")[2]
    processor = f"{PROCESSOR} of {there}" if there else PROCESSOR
    if not machine.unit:
        return [(processor, True)]
    return [(f"{machine.device} {machine.unit}", True), (processor, False)]


@contextmanager
def turn(machine: Machine, what: str, progress: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Wait until a case may be timed on a machine, and keep others from it meanwhile.

    Gives what a record says of it: ``held`` and ``waited_s``.

    Raises:
        UsageError: the locks cannot be kept.
    """
    asked = time.monotonic()
    with ExitStack() as held:
        wanted = locks_of(machine)
        for name, alone in wanted:
            held.enter_context(_locked(name, alone, what, progress))
        yield {"held": [name for name, _ in wanted], "waited_s": time.monotonic() - asked}


@contextmanager
def _locked(name: str, alone: bool, what: str, progress: Callable[[str], None]) -> Iterator[None]:
    path, descriptor = _opened(re.sub(r"[^A-Za-z0-9._-]+", "-", name) + ".lock")
    try:
        _wait(descriptor, alone, lambda: progress(_told(name, what, holders(path))))
        with _noted(path, what):
            yield
    finally:
        os.close(descriptor)


def _opened(name: str) -> tuple[Path, int]:
    try:
        path = folder() / name
        return path, _descriptor(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise UsageError(
            f"the locks of timed cases cannot be kept there: {error.strerror}",
            where=error.filename,
            hint="set MLMS_LOCKS to a folder that all who time on this machine can write to",
        ) from None


def _descriptor(path: Path, flags: int) -> int:
    # A kernel may refuse to create, and with that to open, what another user made in a shared folder.
    with suppress(FileNotFoundError):
        return os.open(path, flags)
    return os.open(path, flags | os.O_CREAT, 0o644)


def _wait(descriptor: int, alone: bool, waiting: Callable[[], None]) -> None:
    how = (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB
    told = time.monotonic()
    while True:
        try:
            fcntl.flock(descriptor, how)
            return
        except BlockingIOError:
            time.sleep(_LOOK)
        if time.monotonic() - told > PATIENCE:
            waiting()
            told = time.monotonic()


def _told(name: str, what: str, found: list[Holder]) -> str:
    by = ", ".join(map(str, found)) or "a process that does not say who it is"
    return f"{what}: waits for the {name}, which has {by}"


@contextmanager
def _noted(path: Path, what: str) -> Iterator[None]:
    """Say for those who wait who holds a lock."""
    note = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(OSError):  # nobody's turn depends on it
        note.unlink(missing_ok=True)
        with note.open("x", encoding="utf-8") as file:  # never through a link that another user left
            json.dump({"since": time.time(), "what": what}, file)
    try:
        yield
    finally:
        with suppress(OSError):
            note.unlink()


def holders(path: Path) -> list[Holder]:
    """Who holds a lock, as far as they said so and are still there."""
    import psutil

    found = []
    for note in path.parent.glob(f"{path.name}.*"):
        with suppress(OSError, ValueError, KeyError, TypeError, psutil.Error):
            pid, said = int(note.suffix[1:]), json.loads(note.read_text(encoding="utf-8"))
            what = "".join(filter(str.isprintable, said["what"]))
            if psutil.Process(pid).create_time() <= said["since"] <= time.time():  # else another has the number
                found.append(Holder(pid, said["since"], what))
    return sorted(found, key=lambda holder: holder.since)

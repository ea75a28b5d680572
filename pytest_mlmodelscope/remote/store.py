"""What is sent to another machine once, and kept there under a name that follows from its content."""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.errors import RemoteError
from pytest_mlmodelscope.remote.machine import Remote

#: The slowest that a connection may be, in bytes a second, and the seconds that anything may take.
_SLOWEST: Final = 100_000
_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """A tar archive with its checksum."""

    archive: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that is to be there: what a person calls it, its place there, the SHA-256 of files in it that
    are hashed before every use, and how to get the parcel that it comes in. ``python`` is that of packages, for
    which they are compiled there.
    """

    title: str
    place: str
    files: Mapping[str, str]
    parcel: Callable[[], AbstractContextManager[Parcel]]
    python: str | None = None


def ensure(machine: Remote, kept: Kept, progress: Callable[[str], None] = lambda text: None) -> None:
    """Have it there, whole: nothing is sent that is.

    Raises:
        RemoteError: it did not arrive as it was sent, or cannot be kept there.
    """
    state = _look(machine, kept)
    if state["state"] == "complete":
        return
    with kept.parcel() as parcel:
        why = f" again: {state['what']}" if state["state"] == "damaged" else ""
        progress(f"sending {kept.title} to {machine.address} ({parcel.size / 1e6:.0f} MB){why}")
        words = ("take", kept.place, str(parcel.size), parcel.sha256, *_how(kept, state["state"]))
        with parcel.archive.open("rb") as file:
            taken = machine.ask(
                "store", *words, stdin=file, seconds=_SECONDS + parcel.size / _SLOWEST, python=kept.python
            )
    if taken["state"] != "complete":
        hint = "run again; where it happens again, look at that machine's memory and disk"
        raise RemoteError(
            f"{kept.title} did not arrive as it was sent",
            where=f"{machine.address}: {kept.place}",
            got=taken["what"],
            hint=hint,
        )
    if (state := _look(machine, kept))["state"] != "complete":
        raise RemoteError(
            f"{kept.title} is not as it was sent", where=f"{machine.address}: {kept.place}", got=state.get("what")
        )


def _how(kept: Kept, state: str) -> list[str]:
    return [word for word, holds in (("compile", kept.python), ("replace", state == "damaged")) if holds]


def _look(machine: Remote, kept: Kept) -> dict[str, Any]:
    found: dict[str, Any] = machine.ask(
        "store", "look", kept.place, stdin=json.dumps(dict(kept.files)).encode(), seconds=_SECONDS
    )
    return found


def of_path(machine: Remote, path: Path) -> tuple[Kept, str]:
    """A file, or a folder of files, as something that is kept; and where it is there."""
    files = {f"{path.name}/{name}" if name else path.name: _digest(path / name) for name in _names(path)}
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    place = f"{machine.facts['cache']}/files/{digest}"
    return Kept(path.name, place, files, lambda: _packed(path)), f"{place}/{path.name}"


def _names(path: Path) -> list[str]:
    """The files below a folder, by their paths from there; of a file an empty one."""
    if not path.is_dir():
        return [""]
    return sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())


@contextmanager
def _packed(path: Path) -> Iterator[Parcel]:
    with tempfile.TemporaryDirectory(prefix="mlms-parcel-") as folder:
        archive = Path(folder) / "parcel.tar"
        with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT, dereference=True) as file:
            file.add(path, path.name)
        yield Parcel(archive, archive.stat().st_size, _digest(archive))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def listed(machine: Remote) -> dict[str, int | None]:
    """The environments that are kept there, and the files of models all together (``files``): bytes by name;
    None of what is not whole.
    """
    cache = machine.facts["cache"]
    envs, files = (machine.ask("store", "list", f"{cache}/{kind}") for kind in ("envs", "files"))
    found = {one["name"]: one["about"] and one["about"]["bytes"] for one in envs}
    return found | ({"files": sum(one["about"]["bytes"] for one in files if one["about"])} if files else {})


def remove_there(machine: Remote, name: str) -> None:
    """Delete what is listed under a name there."""
    place = name if name == "files" else f"envs/{name}"
    machine.ask("store", "remove", f"{machine.facts['cache']}/{place}")

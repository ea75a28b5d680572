"""One file, or a tree of files, out of an archive that a stranger made.

Nothing is written under a name that the archive chooses, save below the folder of a tree, where
names that leave it are refused; and no more is written than the manifest says there is.
"""

from __future__ import annotations

import difflib
import gzip
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Final, Literal

from pytest_mlmodelscope.core.errors import AssetError, ChecksumError
from pytest_mlmodelscope.core.manifest import Asset

Kind = Literal["file", "folder", "link", "device"]

MAX_MEMBERS: Final = 1_000_000
#: An archive inside an archive has no declared size: it may be this much larger than the outer one.
MAX_GROWTH: Final = 100
FREE_GROWTH: Final = 1 << 30
_CHUNK: Final = 1 << 20
#: What Python's readers of archives raise over bytes that are not what they should be.
_DAMAGE: Final = (
    *(zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, NotImplementedError, ValueError, OverflowError),
)


class DamagedArchive(AssetError):
    """The bytes are not those of an archive, or not all of them."""


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive; ``name`` as the archive lists it, without a leading ``./`` or ``/``."""

    name: str
    kind: Kind
    open: Callable[[], IO[bytes] | None]


def unpack(whole: Path, asset: Asset, scratch: Path) -> Path:
    """The asset's file or tree, taken from the downloaded ``whole`` into the folder ``scratch``.

    Raises:
        DamagedArchive: the archive is cut short or broken.
        AssetError: it is not there, or the archive is hostile.
        ChecksumError: there is more of it than the manifest says.
    """
    current = whole
    try:
        if asset.file:
            last = not (asset.member or asset.tree)
            limit = asset.size if last else FREE_GROWTH + MAX_GROWTH * whole.stat().st_size
            current = _one(current, asset.file, scratch / "file", limit, asset)
        if asset.member:
            current = _one(current, asset.member, scratch / "member", asset.size, asset)
        if asset.tree:
            current = _tree(current, asset.tree, scratch / "tree", asset)
    except _DAMAGE as error:
        raise _damaged(current, asset, error) from None
    except OSError as error:
        if error.errno is not None:  # the disk's own trouble; bz2 has no number and no class of its own
            raise
        raise _damaged(current, asset, error) from None
    return current


def _damaged(archive: Path, asset: Asset, error: Exception) -> DamagedArchive:
    return DamagedArchive(
        f"{archive.name}, which holds the asset {asset.name}, is damaged: {str(error) or 'it ends too early'}",
        where=asset.where,
        hint="run again, which fetches it again; if it stays so, the source itself is damaged",
    )


def _one(archive: Path, wanted: str, target: Path, limit: int, asset: Asset) -> Path:
    name = _plain(wanted)
    seen: list[str] = []
    with _members(archive, asset) as members:
        for member in members:
            if member.name == name:
                with _opened(member, asset) as source:
                    _copy(source, target, limit, asset)
                return target
            if member.kind != "folder":
                seen.append(member.name)
    raise AssetError(
        f'"{wanted}" is not in {origin(asset)}',
        where=asset.where,
        got=f"{len(seen):,} files",
        hint=_near(name, seen),
    )


def _tree(archive: Path, glob: str, target: Path, asset: Asset) -> Path:
    pattern, prefix = glob_pattern(_plain(glob))
    target.mkdir()
    room, seen = asset.size, []
    with _members(archive, asset) as members:
        for member in members:
            if member.kind == "folder":
                continue
            seen.append(member.name)
            if pattern.fullmatch(member.name):
                place = target / _safe(member.name[len(prefix) :], asset)
                place.parent.mkdir(parents=True, exist_ok=True)
                with _opened(member, asset) as source:
                    room -= _copy(source, place, room, asset)
    if not any(target.iterdir()):
        raise AssetError(
            f'nothing in {origin(asset)} fits "{glob}"', where=asset.where, hint=_near(prefix.rstrip("/"), seen)
        )
    return target


def origin(asset: Asset) -> str:
    """Where an asset comes from, for messages."""
    made_by = asset.recipe.script if asset.recipe else None
    return asset.package or asset.url or asset.path or made_by or asset.name


def _plain(name: str) -> str:
    return name.lstrip("/").removeprefix("./")


def glob_pattern(glob: str) -> tuple[re.Pattern[str], str]:
    """A glob as a pattern over whole paths, and its longest fixed prefix (ending in ``/``).

    ``*`` and ``?`` stay within one folder, ``**`` crosses folders; a glob without any of them is
    a folder, and everything below it fits.

    >>> glob_pattern("pkg/model/**")[1]
    'pkg/model/'
    """
    if not re.search(r"[*?\[]", glob):
        glob = f"{glob.rstrip('/')}/**"
    fixed = re.split(r"[*?\[]", glob, maxsplit=1)[0]
    prefix = fixed[: fixed.rfind("/") + 1]
    return re.compile("".join(_translated(part) for part in _GLOB.findall(glob)), re.DOTALL), prefix


_GLOB: Final = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^\]/]+\]|.", re.DOTALL)


def _translated(part: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if part in known:
        return known[part]
    if len(part) > 1:
        inner = part[1:-1].replace("\\", r"\\")
        return f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
    return re.escape(part)


def _safe(name: str, asset: Asset) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise AssetError(f'{origin(asset)} holds "{name}", which would leave its folder', where=asset.where)
    return path


@contextmanager
def _opened(member: Member, asset: Asset) -> Iterator[IO[bytes]]:
    try:
        source = member.open() if member.kind in ("file", "link") else None
    except KeyError:  # what tarfile says of a link to nothing in the archive
        source = None
    except RuntimeError as error:  # what zipfile says of a password
        raise AssetError(f'"{member.name}" cannot be read: {error}', where=asset.where) from None
    if source is None:
        what = {"link": "a link that leaves the archive", "folder": "a folder"}.get(member.kind, "not a file")
        hint = "take several files with `tree:`" if member.kind == "folder" else None
        raise AssetError(f'"{member.name}" in {origin(asset)} is {what}', where=asset.where, hint=hint)
    with source:
        yield source


def _copy(source: IO[bytes], target: Path, limit: int, asset: Asset) -> int:
    written = 0
    with target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > limit:
                raise ChecksumError(
                    f"the asset {asset.name} in {origin(asset)} is longer than its manifest says",
                    where=asset.where,
                    expected=f"{asset.size:,} bytes",
                    got="more",
                    hint="correct `size` and `sha256` if the package is the right one",
                )
            file.write(chunk)
    return written


@contextmanager
def _members(archive: Path, asset: Asset) -> Iterator[Iterator[Member]]:
    # Not is_zipfile, which also says yes to a tar with a zip at its end.
    if _head(archive).startswith((b"PK\x03\x04", b"PK\x05\x06")):
        with zipfile.ZipFile(archive) as opened:
            yield _counted(_zip_members(opened), asset)
        return
    try:
        tar = tarfile.open(archive)  # noqa: SIM115  # closed below
    except tarfile.ReadError:
        raise AssetError(
            f"what {origin(asset)} holds is not an archive",
            where=asset.where,
            expected="zip, wheel or tar (plain, gz, bz2, xz)",
            got=f"a file that begins with {_head(archive)!r}",
        ) from None
    with tar:
        yield _counted(_tar_members(tar), asset)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _counted(members: Iterable[Member], asset: Asset) -> Iterator[Member]:
    for count, member in enumerate(members):
        if count >= MAX_MEMBERS:
            raise AssetError(f"{origin(asset)} holds more than {MAX_MEMBERS:,} files", where=asset.where)
        yield member


def _zip_members(opened: zipfile.ZipFile) -> Iterator[Member]:
    for info in opened.infolist():
        is_link = stat.S_ISLNK(info.external_attr >> 16)
        kind: Kind = "folder" if info.is_dir() else "link" if is_link else "file"
        # A link's bytes are the path that it points to, never what the author of a manifest meant.
        yield Member(_plain(info.filename), kind, _nothing if is_link else partial(opened.open, info))


def _nothing() -> None:
    return None


def _tar_members(tar: tarfile.TarFile) -> Iterator[Member]:
    for info in tar:
        # tarfile looks a link's target up among the archive's own members and nowhere else.
        yield Member(_plain(info.name), _tar_kind(info), partial(tar.extractfile, info))


def _tar_kind(info: tarfile.TarInfo) -> Kind:
    if info.isreg():
        return "file"
    if info.isdir():
        return "folder"
    return "link" if info.issym() or info.islnk() else "device"


def _near(name: str, seen: list[str]) -> str | None:
    """The files with the same name elsewhere, else those with similar paths."""
    last = name.rpartition("/")[2]
    near = [one for one in seen if one.rpartition("/")[2] == last][:3]
    # difflib takes seconds over the largest archives, and looks at so many only.
    near = near or difflib.get_close_matches(name, seen[:5000], n=3)
    if near:
        return "did you mean " + " or ".join(f'"{one}"' for one in near) + "?"
    return "it holds " + ", ".join(sorted(seen)[:8]) + (", ..." if len(seen) > 8 else "") if seen else None

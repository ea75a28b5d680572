"""An asset's file or tree, from the cache or from where the manifest says, verified before use."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.core.errors import AssetError, ChecksumError, OfflineError
from pytest_mlmodelscope.core.manifest import Asset
from pytest_mlmodelscope.manifest import archive, sources
from pytest_mlmodelscope.manifest.cache import (
    Cache,
    Kind,
    Note,
    folder_name,
    read_note,
    refusal,
    stamped,
    stamps_of,
    write_note,
)
from pytest_mlmodelscope.manifest.digest import measure
from pytest_mlmodelscope.manifest.sources import path as local

Progress = Callable[[str], None]
#: Makes an asset by its recipe of files, and gives back the file or folder, inside the last.
Maker = Callable[[Asset, Mapping[str, Path], Path], Path]
#: The file itself, among the files "below" it.
_ITSELF: Final = ("",)


class Fetcher:
    """Fetches assets through a cache; ``progress`` gets lines for a person who waits.

    ``make`` runs recipes: they need the environments of frameworks, of which nothing is known here.
    """

    def __init__(
        self, cache: Cache, offline: bool = False, progress: Progress | None = None, make: Maker | None = None
    ) -> None:
        self._cache = cache
        self._make = make
        self._offline = offline
        self._progress: Progress = progress or (lambda text: None)

    def fetch(self, asset: Asset) -> Path:
        """The verified file of an asset, or the folder of a tree; not to be written to.

        Raises:
            ChecksumError: its bytes are not the ones that the manifest names.
            OfflineError: it would have to be fetched and the network is switched off.
            AssetError: it cannot be had for another reason.
        """
        try:
            made = self._kept(asset) if asset.path is None else self._local(asset)
            # The cache knows digests only, and claims about a model's size rest on what the manifest says.
            if _size(made) != asset.size:
                refuse_other_bytes(asset, made)
            return made
        except OSError as error:
            raise refusal(error, self._cache.root) from None

    def measure(self, asset: Asset) -> tuple[str, int]:
        """The SHA-256 and the size in bytes that an asset really has, whatever it declares.

        Raises:
            AssetError: it cannot be had.
        """
        unlimited = replace(asset, size=1 << 62)
        try:
            with self._cache.scratch() as scratch:
                if asset.path is None and asset.recipe is not None:
                    return measure(self._made(asset, scratch))
                source = self._whole(unlimited) if asset.path is None else local.locate(asset)
                if source.is_dir():
                    return measure(self._tree(asset, source)[1](scratch))
                return measure(archive.unpack(source, unlimited, scratch))
        except OSError as error:
            raise refusal(error, self._cache.root) from None

    # -- by a recipe ----------------------------------------------------------------------

    @contextmanager
    def remade(self, asset: Asset) -> Iterator[Path]:
        """What the recipe of an asset makes now, unverified, whatever is kept or lies at its path.

        Raises:
            AssetError: it makes nothing, or of what it needs something cannot be had.
        """
        with self._cache.scratch() as scratch:
            yield self._made(asset, scratch)

    def _made(self, asset: Asset, scratch: Path) -> Path:
        assert asset.recipe is not None
        if self._make is None:
            raise AssetError(f"the asset {asset.name} is made by a recipe, and none is run here", where=asset.where)
        files = {name: self.fetch(source) for name, source in asset.recipe.sources.items()}
        self._progress(f"making {asset.name} with {asset.recipe.script}")
        return self._make(asset, files, scratch)

    # -- from elsewhere -------------------------------------------------------------------

    def _kept(self, asset: Asset) -> Path:
        kind: Kind = "trees" if asset.tree else "objects"
        found = self._cache.find(kind, asset.sha256)
        if found is not None:
            return found
        with self._lock(asset.sha256, asset.name):
            found = self._cache.find(kind, asset.sha256) or self._cache.recover(kind, asset.sha256)
            return found or self._obtain(asset, kind)

    def _obtain(self, asset: Asset, kind: Kind) -> Path:
        if asset.recipe is not None:
            with self._cache.scratch() as scratch:
                made = self._made(asset, scratch)
                refuse_other_bytes(asset, made)
                return self._cache.keep(kind, asset.sha256, made, asset.sha256, _origin(asset))
        if not (asset.file or asset.tree):
            return self._as_it_comes(asset)
        whole = self._whole(asset)
        with self._cache.scratch() as scratch:
            made = self._unpacked(whole, asset, scratch)
            refuse_other_bytes(asset, made)
            return self._cache.keep(kind, asset.sha256, made, asset.sha256, _origin(asset))

    def _unpacked(self, whole: Path, asset: Asset, scratch: Path) -> Path:
        try:
            return archive.unpack(whole, asset, scratch)
        except archive.DamagedArchive:
            # Not every server says how much it was going to send.
            name = whole.parent.name
            with self._lock(name, archive.origin(asset)):
                self._cache.drop("packages", name)
            raise

    def _as_it_comes(self, asset: Asset) -> Path:
        """A download that is the asset itself, so that its digest decides about each mirror."""
        made = self._arrived(asset, asset.sha256)
        refuse_other_bytes(asset, made)
        kept = self._cache.keep("objects", asset.sha256, made, asset.sha256, _origin(asset))
        shutil.rmtree(made.parent, ignore_errors=True)
        return kept

    def _whole(self, asset: Asset) -> Path:
        name = folder_name(sources.key(asset))
        folder = self._cache.find("packages", name)
        if folder is None:
            with self._lock(name, archive.origin(asset)):
                folder = self._cache.find("packages", name) or self._cache.recover("packages", name)
                folder = folder or self._download(asset, name)
        return next(folder.iterdir())

    def _download(self, asset: Asset, name: str) -> Path:
        made = self._arrived(asset, name)
        kept = self._cache.keep_package(name, made, sources.key(asset))
        shutil.rmtree(made.parent, ignore_errors=True)
        return kept

    def _arrived(self, asset: Asset, name: str) -> Path:
        if self._offline and not (asset.url or "").startswith("file://"):
            raise OfflineError(
                f"the asset {asset.name}, from {archive.origin(asset)}, is not in the cache and the network is off",
                where=asset.where,
                hint="run `pytest --mlms` once without --mlms-offline, which fetches it",
            )
        return sources.of(asset).obtain(asset, self._cache.partial(name), self._progress)

    def _lock(self, name: str, what: str) -> AbstractContextManager[None]:
        return self._cache.lock(name, lambda: self._progress(f"waiting for another process that fetches {what}"))

    # -- from this machine ----------------------------------------------------------------

    def _local(self, asset: Asset) -> Path:
        """Files of the project's own: looked at in every run, hashed again when they were touched."""
        source = local.locate(asset)
        if source.is_dir():
            files, make = self._tree(asset, source)
            return self._local_kept(asset, source, files, make)
        if asset.file or asset.tree:
            return self._local_kept(asset, source, _ITSELF, lambda scratch: archive.unpack(source, asset, scratch))
        if not self._is_known(asset, source, _ITSELF):
            stamps = stamps_of(source, _ITSELF) or ()
            refuse_other_bytes(asset, source)
            write_note(self._local_note(asset, source), Note(asset.sha256, stamps))
        return source

    def _tree(self, asset: Asset, source: Path) -> tuple[tuple[str, ...], Callable[[Path], Path]]:
        files = local.tree_files(asset, source)
        below = tuple(path.relative_to(source).as_posix() for path in files.values())
        return below, lambda scratch: local.copy(files, scratch / "tree")

    def _local_kept(self, asset: Asset, source: Path, files: tuple[str, ...], make: Callable[[Path], Path]) -> Path:
        kind: Kind = "trees" if asset.tree else "objects"
        kept = self._cache.find(kind, asset.sha256)
        if kept is not None and self._is_known(asset, source, files):
            return kept
        with self._lock(asset.sha256, asset.name), self._cache.scratch() as scratch:
            stamps = stamps_of(source, files) or ()
            made = make(scratch)
            refuse_other_bytes(asset, made)
            kept = self._cache.find(kind, asset.sha256)
            kept = kept or self._cache.keep(kind, asset.sha256, made, asset.sha256, _origin(asset))
            write_note(self._local_note(asset, source), Note(asset.sha256, stamps))
            return kept

    def _is_known(self, asset: Asset, source: Path, files: tuple[str, ...]) -> bool:
        note = read_note(self._local_note(asset, source))
        if note is None or note.sha256 != asset.sha256:
            return False
        return tuple(name for name, _, _ in note.stamps) == files and stamped(source, note) == note.stamps

    def _local_note(self, asset: Asset, source: Path) -> Path:
        place = "\0".join([str(source), asset.file or "", asset.member or "", asset.tree or ""])
        return self._cache.root / "notes" / "local" / f"{hashlib.sha256(place.encode()).hexdigest()}.json"


def _size(made: Path) -> int:
    if made.is_dir():
        return sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    return made.stat().st_size


def refuse_other_bytes(asset: Asset, made: Path) -> None:
    """Refuse a file or a tree that is not the one that the manifest names.

    Raises:
        ChecksumError: with both digests and sizes.
    """
    sha256, size = measure(made)
    if (sha256, size) == (asset.sha256, asset.size):
        return
    if sha256 == asset.sha256:
        what, expected, got = "size", f"{asset.size} bytes", f"{size} bytes"
    else:
        what, expected, got = "content", f"sha256 {asset.sha256}, {asset.size} bytes", f"sha256 {sha256}, {size} bytes"
    raise ChecksumError(
        f"the {what} of the asset {asset.name}, from {archive.origin(asset)}, is not what its manifest says",
        where=asset.where,
        expected=expected,
        got=got,
        hint="if the source is the right one, write what was got into the manifest; if not, do not trust it",
    )


def _origin(asset: Asset) -> str:
    place = asset.member or asset.tree or asset.file
    return f"{archive.origin(asset)} {place}" if place else archive.origin(asset)

"""Assets at an address, with mirrors."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pytest_mlmodelscope.core.errors import AssetError, ChecksumError
from pytest_mlmodelscope.core.manifest import Asset
from pytest_mlmodelscope.manifest.digest import file_digest
from pytest_mlmodelscope.manifest.sources.download import download, shown


def obtain(asset: Asset, folder: Path, progress: Callable[[str], None]) -> Path:
    """What the first address gives that can be reached and (where it is the asset itself) is right.

    Raises:
        ChecksumError: what could be reached is not what the manifest says.
        AssetError: nothing could be reached.
    """
    failures: list[AssetError] = []
    for address in (asset.url or "", *asset.mirrors):
        progress(f"fetching {shown(address)}")
        try:
            return _from(address, asset, folder, progress)
        except AssetError as error:
            failures.append(error)
    raise _all_failed(asset, failures)


def _from(address: str, asset: Asset, folder: Path, progress: Callable[[str], None]) -> Path:
    target = folder / (PurePosixPath(urlsplit(address).path).name or "download")[-100:]
    limit = None if asset.file or asset.tree else asset.size
    if address.startswith("file://"):
        _copy(address, target)
    else:
        download(address, target, limit, progress)
    if limit is not None:
        _refuse_other_bytes(address, asset, target)
    return target


def _copy(address: str, target: Path) -> None:
    source = Path(url2pathname(urlsplit(address).path))
    try:
        shutil.copyfile(source, target)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise AssetError(f"{address} cannot be read: {error.strerror}") from None


def _refuse_other_bytes(address: str, asset: Asset, target: Path) -> None:
    digest, size = file_digest(target), target.stat().st_size
    if digest == asset.sha256:
        return
    target.unlink()  # never to be resumed from
    raise ChecksumError(
        f"{shown(address)} gives other bytes than the manifest says",
        expected=f"sha256 {asset.sha256}, {asset.size} bytes",
        got=f"sha256 {digest}, {size} bytes",
    )


def _all_failed(asset: Asset, failures: list[AssetError]) -> AssetError:
    wrong = [error for error in failures if isinstance(error, ChecksumError)]
    worst = (wrong or failures)[0]
    others = [error.what for error in failures if error is not worst]
    what = f"the asset {asset.name}: {worst.what}" + "".join(f"; {other}" for other in others)
    hint = worst.hint or "if the source is the right one, write what was got into the manifest; if not, do not trust it"
    return type(worst)(what, where=asset.where, expected=worst.expected, got=worst.got, hint=hint)

"""Assets in wheels and source distributions of the Python package index.

Files are only downloaded and read: nothing of a package is built, installed or run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from pytest_mlmodelscope.core.errors import AssetError, ChecksumError, did_you_mean
from pytest_mlmodelscope.core.manifest import Asset
from pytest_mlmodelscope.manifest.digest import file_digest
from pytest_mlmodelscope.manifest.sources.download import TIMEOUT, download, session, shown

if TYPE_CHECKING:
    from pypi_simple import DistributionPackage
    from requests import Session


def obtain(asset: Asset, folder: Path, progress: Callable[[str], None]) -> Path:
    """The wheel or the source distribution, with the digest that the index publishes.

    Raises:
        AssetError: the index has no such package, version or file, or cannot be reached.
        ChecksumError: what came is not what the index publishes.
    """
    project, _, version = (asset.package or "").partition("==")
    connection = session()
    files = files_of(project, connection, asset)
    chosen = choose(files, version, asset.kind)
    if chosen is None:
        raise _no_such_file(asset, files, version)
    size = f" ({chosen.size / 1e6:.1f} MB)" if chosen.size else ""
    progress(f"fetching {chosen.filename}{size}")
    try:
        made = download(chosen.url, folder / chosen.filename, None, progress, connection)
    except AssetError as error:
        error.where = error.where or asset.where
        raise
    _refuse_other_bytes(made, chosen, asset)
    return made


def index_address() -> str:
    """The index that pip would use, without running pip where its environment variable says it."""
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    return os.environ.get("PIP_INDEX_URL") or _pip_setting("global.index-url") or PYPI_SIMPLE_ENDPOINT


def _pip_setting(name: str) -> str:
    # `pip config get` does not look into the file that PIP_CONFIG_FILE names; `list` does.
    command = [sys.executable, "-m", "pip", "config", "list"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    settings = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    return settings.get(name, "").strip("'\"")


def files_of(project: str, connection: Session, asset: Asset) -> list[DistributionPackage]:
    """Everything that the index has of a project; ``asset`` says who asks.

    Raises:
        AssetError: the index has no such package, or cannot be reached.
    """
    import requests
    from pypi_simple import NoSuchProjectError, PyPISimple, UnexpectedRepoVersionWarning

    address = index_address()
    try:
        with warnings.catch_warnings():
            # A newer version of the index's format still has everything that is read here.
            warnings.simplefilter("ignore", UnexpectedRepoVersionWarning)
            return PyPISimple(address, session=connection).get_project_page(project, timeout=TIMEOUT).packages
    except NoSuchProjectError:
        raise AssetError(
            f'the package index has no package "{project}"', where=asset.where, hint="check `package:`"
        ) from None
    except requests.RequestException as error:
        raise AssetError(
            f"the package index at {shown(address)} cannot be used",
            where=asset.where,
            got=str(error).replace(address, shown(address)),
            hint="check the network, the proxy (HTTPS_PROXY), PIP_INDEX_URL and the certificates (PIP_CERT)",
        ) from None


def choose(files: list[DistributionPackage], version: str, kind: str) -> DistributionPackage | None:
    """The file of one version: of several wheels always the same one, on whatever machine.

    A manifest has one digest for all machines, so a wheel for any of them comes first, then one
    for Linux on x86-64, then the first by name.
    """
    fitting = [file for file in files if file.package_type == kind and _same(file.version, version)]
    return min(fitting, key=_rank, default=None)


def _rank(file: DistributionPackage) -> tuple[int, str]:
    if file.filename.endswith("-none-any.whl"):
        return 0, file.filename
    return (1 if "manylinux" in file.filename and "x86_64" in file.filename else 2), file.filename


def _same(one: str | None, other: str) -> bool:
    try:
        return one is not None and Version(one) == Version(other)
    except InvalidVersion:
        return False


def _no_such_file(asset: Asset, files: list[DistributionPackage], version: str) -> AssetError:
    other_kinds = {str(file.package_type) for file in files if _same(file.version, version)}
    of_kind = {file.version for file in files if file.package_type == asset.kind and file.version}
    if other_kinds & {"wheel", "sdist"}:
        hint = f"set `kind: {min(other_kinds & {'wheel', 'sdist'})}`"
    else:
        hint = did_you_mean(version, of_kind) or "check `package:`"
    return AssetError(f"the package index has no {asset.kind} of {asset.package}", where=asset.where, hint=hint)


def _refuse_other_bytes(made: Path, chosen: DistributionPackage, asset: Asset) -> None:
    published = chosen.digests.get("sha256")
    got = file_digest(made)
    if published and got != published:
        made.unlink()
        raise ChecksumError(
            f"{chosen.filename} is not what the package index publishes",
            where=asset.where,
            expected=f"sha256 {published}",
            got=f"sha256 {got}",
            hint="run again; if it stays so, the proxy or mirror in between changes files",
        )

"""Assets in packages of the npm registry, through ``npm pack``; no script of a package is run."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.core.errors import AssetError
from pytest_mlmodelscope.core.manifest import Asset

TIMEOUT_S: Final = 900


def obtain(asset: Asset, folder: Path, progress: Callable[[str], None]) -> Path:
    """The package's archive; npm checks it against the digest that its registry publishes.

    Raises:
        AssetError: npm is not there, or the package is not.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise AssetError(
            f"the asset {asset.name} needs npm, which is not here",
            where=asset.where,
            hint="install Node.js with npm (on Debian: apt-get install npm)",
        )
    project, _, version = (asset.package or "").partition("==")
    progress(f"fetching {asset.package} with npm")
    _pack(npm, f"{project}@{version}", folder, asset)
    made = next(folder.glob("*.tgz"), None)
    if made is None:
        raise AssetError(f"npm fetched nothing for {asset.package}", where=asset.where)
    return made


def _pack(npm: str, package: str, folder: Path, asset: Asset) -> None:
    for leftover in folder.iterdir():  # npm writes in place, so what is there may be half of it
        leftover.unlink()
    command = [npm, "pack", package, "--ignore-scripts", "--json", "--pack-destination", str(folder)]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise AssetError(f"npm did not fetch {asset.package} within {TIMEOUT_S} s", where=asset.where) from None
    if done.returncode != 0:
        raise AssetError(
            f"npm cannot fetch {asset.package}",
            where=asset.where,
            got=_complaint(done.stderr),
            hint="check `package:`, and the network with `npm ping`",
        )


def _complaint(stderr: str) -> str:
    """The first errors of npm, without the advice after them."""
    lines = [line.partition("error")[2].strip() for line in stderr.splitlines() if line.startswith("npm error")]
    return "; ".join(line for line in lines[:2] if line)[:300] or "no reason given"

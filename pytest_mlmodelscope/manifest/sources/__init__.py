"""Where assets come from: one file for each kind of origin.

Each has ``obtain(asset, folder, progress)``: it brings the whole package, or what an address
gives, into a folder of its own and returns that file. What a broken connection leaves in the
folder is used by the next try.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from pytest_mlmodelscope.core.manifest import Asset


class Source(Protocol):
    """One file of this folder."""

    def obtain(self, asset: Asset, folder: Path, progress: Callable[[str], None]) -> Path:
        """Fetch the whole of what ``asset`` is a part of.

        Raises:
            AssetError: it cannot be had, with what would change that.
        """


def of(asset: Asset) -> Source:
    """The origin of an asset that is not on this machine."""
    name = "url" if asset.url else asset.registry
    return cast("Source", import_module(f"{__name__}.{name}"))


def key(asset: Asset) -> str:
    """What two assets of one package, or of one address, have in common."""
    if asset.url:
        return asset.url
    kind = f" {asset.kind}" if asset.registry == "pypi" else ""
    return f"{asset.registry} {asset.package}{kind}"

"""Assets that lie beside the manifest."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from pytest_mlmodelscope.core.errors import AssetError, did_you_mean
from pytest_mlmodelscope.core.manifest import Asset
from pytest_mlmodelscope.manifest.archive import glob_pattern


def locate(asset: Asset) -> Path:
    """The file or folder that a manifest's ``path`` means, with links resolved.

    Raises:
        AssetError: it is not there, or outside the folder that holds ``manifests/``.
    """
    assert asset.path is not None
    found = (asset.base / asset.path).resolve()
    refuse_outside(found, asset)
    if not found.exists():
        beside = [path.name for path in found.parent.iterdir()] if found.parent.is_dir() else []
        raise AssetError(
            f"there is no {asset.path} beside the manifest", where=asset.where, hint=did_you_mean(found.name, beside)
        )
    if found.is_dir() and not asset.tree:
        raise AssetError(f"{asset.path} is a folder", where=asset.where, hint='say which files with `tree: "**"`')
    return found


def project(asset: Asset) -> Path:
    """The folder whose files a manifest may name: the one that holds ``manifests/models/``."""
    return asset.base.resolve().parent.parent


def refuse_outside(path: Path, asset: Asset) -> None:
    """Refuse a place that a manifest has no business with.

    Raises:
        AssetError: it is outside the project.
    """
    if not path.is_relative_to(project(asset)):
        raise AssetError(
            f"{asset.path} leads out of the project",
            where=asset.where,
            expected=f"a place below {project(asset)}",
            got=str(path),
            hint="copy the file into the project, or give its address as `url: file://...`",
        )


def tree_files(asset: Asset, folder: Path) -> dict[str, Path]:
    """The files of a folder that fit the asset's glob: path below the tree -> file.

    Raises:
        AssetError: there is none, or one is a link that leads out of the project.
    """
    pattern, prefix = glob_pattern(asset.tree or "**")
    names = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())
    found = {name[len(prefix) :]: folder / name for name in names if pattern.fullmatch(name)}
    for path in found.values():
        refuse_outside(path.resolve(), asset)
    if not found:
        raise AssetError(f'nothing in {asset.path} fits "{asset.tree}"', where=asset.where)
    return found


def copy(files: Mapping[str, Path], target: Path) -> Path:
    """These files, below a new folder."""
    target.mkdir()
    for name, source in files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target / name)
    return target

"""Runs the recipes of manifests: each in a worker of its own, never in this process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.core.errors import AssetError, WorkerError
from pytest_mlmodelscope.core.manifest import Asset, FrameworkUse
from pytest_mlmodelscope.manifest.recipes import script_of


class Recipes:
    """Makes assets by their recipes, as the fetcher of assets asks for it."""

    def __init__(self, environments: Environments, limits: Limits | None = None) -> None:
        self._environments = environments
        self._limits = limits

    def __call__(self, asset: Asset, files: Mapping[str, Path], folder: Path) -> Path:
        """What the recipe of ``asset`` makes of ``files``: a file or a folder inside ``folder``.

        Raises:
            AssetError: the script is not there, fails, or makes something else.
            EnvironmentUnavailable: its framework cannot be had here.
        """
        recipe = asset.recipe
        assert recipe is not None
        script = script_of(asset)
        use = FrameworkUse(recipe.framework, packages=recipe.packages, version=recipe.version)
        with Agent(self._environments.obtain(use), self._limits) as agent:
            try:
                made = agent.make(script, recipe.makes, files)
            except WorkerError as error:
                raise AssetError(
                    f"the asset {asset.name} cannot be made with {recipe.script}", where=asset.where, got=str(error)
                ) from None
        return _written(made, folder / "made", asset)


def _written(made: Mapping[str, bytes], place: Path, asset: Asset) -> Path:
    """What came back, as a file or a folder; a name may lead nowhere else."""
    if set(made) == {""}:
        place.write_bytes(made[""])
        return _of_kind(place, asset)
    for name, data in made.items():
        path = PurePosixPath(name)
        if not name or path.is_absolute() or ".." in path.parts:
            raise AssetError(
                f"the recipe of {asset.name} made a file that leads elsewhere", where=asset.where, got=name
            )
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
    if not made:
        raise AssetError(f"the recipe of {asset.name} made an empty folder", where=asset.where)
    return _of_kind(place, asset)


def _of_kind(place: Path, asset: Asset) -> Path:
    if place.is_dir() == bool(asset.tree):
        return place
    raise AssetError(
        f"the recipe of {asset.name} made {'a folder' if place.is_dir() else 'one file'}",
        where=asset.where,
        hint='add `tree: "**"`' if place.is_dir() else "drop `tree`",
    )

"""Recipes in a manifest: checked, and tied to the assets that they make something of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_mlmodelscope.core.document import Document, Pointer
from pytest_mlmodelscope.core.errors import AssetError, DocumentError, did_you_mean
from pytest_mlmodelscope.core.manifest import Asset, Recipe
from pytest_mlmodelscope.core.registry import names


def sources(document: Document, name: str, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the recipe of one asset is made of: the name that its script knows, and the asset's.

    Raises:
        DocumentError: the manifest has no such asset.
    """
    for role, source in given[name]["recipe"].get("from", {}).items():
        if source not in given:
            raise DocumentError(
                f'the manifest has no asset "{source}"',
                where=document.at(("assets", name, "recipe", "from", role)),
                hint=did_you_mean(source, given) or "add it under `assets:`",
            )
        yield role, source


def recipe(document: Document, name: str, entry: Mapping[str, Any], parts: Mapping[str, Asset]) -> Recipe:
    """The recipe of one asset, made of ``parts``.

    Raises:
        DocumentError: it names no framework, or leads out of the manifest's folder.
    """
    about, at = entry["recipe"], ("assets", name, "recipe")
    if about["framework"] not in names("frameworks"):
        raise DocumentError(
            f'no framework is called "{about["framework"]}"',
            where=document.at((*at, "framework")),
            hint=did_you_mean(about["framework"], names("frameworks")),
        )
    for key in ("script", "makes"):
        _refuse_place(document, about[key], (*at, key))
    _refuse_parts(document, entry, at)
    return Recipe(
        script=about["script"],
        framework=about["framework"],
        makes=about["makes"],
        sources=parts,
        version=about.get("version"),
        packages=tuple(about.get("packages", ())),
    )


def script_of(asset: Asset) -> Path:
    """The script of an asset's recipe, with links resolved.

    Raises:
        AssetError: it is not there, or lies outside the folder of the manifest.
    """
    assert asset.recipe is not None
    folder = asset.base.resolve()
    found = (folder / asset.recipe.script).resolve()
    if not found.is_relative_to(folder):
        raise AssetError(
            f"the script {asset.recipe.script} leads out of the manifest's folder",
            where=asset.where,
            expected=f"a place below {folder}",
            got=str(found),
        )
    if not found.is_file():
        beside = [path.name for path in found.parent.glob("*.py")]
        raise AssetError(
            f"there is no {asset.recipe.script} beside the manifest",
            where=asset.where,
            hint=did_you_mean(found.name, beside),
        )
    return found


def _refuse_place(document: Document, place: str, at: Pointer) -> None:
    path = PurePosixPath(place)
    if path.is_absolute() or ".." in path.parts:
        raise DocumentError(f'"{at[-1]}" must not lead elsewhere', where=document.at(at), got=place)


def _refuse_parts(document: Document, entry: Mapping[str, Any], at: Pointer) -> None:
    if "path" in entry:
        return
    if "file" in entry:
        raise DocumentError(
            '"file" is for packages and archives',
            where=document.at((*at[:-1], "file")),
            hint="`makes:` says which file",
        )
    if entry.get("tree", "**") != "**":
        raise DocumentError(
            "the folder that a recipe makes is kept as it is",
            where=document.at((*at[:-1], "tree")),
            expected='tree: "**"',
            got=entry["tree"],
        )

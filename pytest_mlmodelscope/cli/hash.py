"""``mlms hash``: what an asset's entry in a manifest has to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pytest_mlmodelscope.cli.console import examples, json_option, print_json
from pytest_mlmodelscope.core.errors import UsageError, did_you_mean
from pytest_mlmodelscope.core.manifest import Asset


@click.command(
    epilog=examples("mlms hash net.onnx", "mlms hash --package eld==1.0.6 --file eld/tests/data/big-test.txt")
)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--package", metavar="NAME==VERSION", help="Of a package instead of a file on this machine.")
@click.option("--registry", type=click.Choice(["pypi", "debian", "npm"]), help="Whose package it is (default: pypi).")
@click.option("--kind", type=click.Choice(["wheel", "sdist"]), help="Of a pypi package (default: wheel).")
@click.option("--url", help="Of an address instead.")
@click.option("--file", "file", help="The place inside the package or archive.")
@click.option("--member", help="The place inside an archive that --file is.")
@click.option("--tree", metavar="GLOB", help="Several files inside, kept together.")
@click.option("--asset", metavar="NAME", help="Of what the recipe of an asset makes now; PATH is its manifest.")
@json_option
def hash(  # noqa: A001
    path: Path | None, package: str | None, url: str | None, asset: str | None, as_json: bool, **inside: str | None
) -> None:
    """Print checksum and size of PATH (a file, or a folder as a tree of files), ready for a manifest.

    With --package or --url, and --file or --tree, print those of what is inside; it is fetched.
    With --asset, run the recipe of an asset of the manifest PATH.
    """
    if asset is not None:
        sha256, size = _of_recipe(path, asset)
        _print({"sha256": sha256, "size": size}, as_json)
        return
    origins = [given for given in (path, package, url) if given is not None]
    if len(origins) != 1:
        raise UsageError("exactly one of PATH, --package and --url is wanted", got=f"{len(origins)} of them")
    given: dict[str, Any] = {key: value for key, value in inside.items() if value is not None}
    if path is not None:
        sha256, size = _of_path(path, given)
        given = {"tree": "**", **given} if path.is_dir() else given
    else:
        given = {"package": package, **given} if package is not None else {"url": url, **given}
        sha256, size = _of_asset(given)
    _print({**given, "sha256": sha256, "size": size}, as_json)


def _print(stated: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(stated)
    else:
        click.echo("\n".join(f"{key}: {_quoted(value)}" for key, value in stated.items()))


def _of_recipe(path: Path | None, name: str) -> tuple[str, int]:
    from pytest_mlmodelscope.agent.environment import Environments
    from pytest_mlmodelscope.agent.recipe import Recipes
    from pytest_mlmodelscope.manifest.cache import Cache
    from pytest_mlmodelscope.manifest.digest import measure
    from pytest_mlmodelscope.manifest.fetch import Fetcher
    from pytest_mlmodelscope.manifest.load import load_model

    if path is None:
        raise UsageError("--asset goes with the PATH of a manifest")
    assets = load_model(path).assets
    if name not in assets or assets[name].recipe is None:
        with_recipe = [one.name for one in assets.values() if one.recipe is not None]
        raise UsageError(
            f'{path} has no recipe of "{name}"', hint=did_you_mean(name, with_recipe) or "no asset has a recipe"
        )
    cache = Cache()
    environments = Environments(cache.root, progress=_say)
    with Fetcher(cache, progress=_say, make=Recipes(environments)).remade(assets[name]) as made:
        return measure(made)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _of_path(path: Path, inside: dict[str, Any]) -> tuple[str, int]:
    from pytest_mlmodelscope.manifest.digest import measure

    if not path.exists():
        raise UsageError("there is no such file or folder", where=path)
    if not inside:
        return measure(path)
    # The file's own folder is all of the project that there is to know of.
    return _of_asset({**inside, "path": path.name, "base": path.resolve().parent / "manifests" / "models"})


def _of_asset(fields: dict[str, Any]) -> tuple[str, int]:
    from pytest_mlmodelscope.manifest.cache import Cache
    from pytest_mlmodelscope.manifest.fetch import Fetcher

    if "path" in fields:
        fields["path"] = f"../../{fields['path']}"
    elif "package" in fields and "==" not in fields["package"]:
        raise UsageError(f"{fields['package']} does not pin a version", hint="NAME==VERSION")
    elif "package" in fields and not ("file" in fields or "tree" in fields):
        raise UsageError(
            "which part of the package?", hint="add --file (one file inside) or --tree (a glob of several)"
        )
    asset = Asset(name="hash", sha256="", size=0, license="", **fields)
    return Fetcher(Cache(), progress=_say).measure(asset)


def _quoted(value: object) -> str:
    text = str(value)
    return f'"{text}"' if text[:1] in "*&!@%`{[" or ": " in text or " #" in text else text

"""``mlms hash``: what an asset's entry in a manifest has to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.manifest import Asset


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--package", metavar="NAME==VERSION", help="Of a package instead of a file on this machine.")
@click.option("--registry", type=click.Choice(["pypi", "debian", "npm"]), help="Whose package it is (default: pypi).")
@click.option("--kind", type=click.Choice(["wheel", "sdist"]), help="Of a pypi package (default: wheel).")
@click.option("--url", help="Of an address instead.")
@click.option("--file", "file", help="The place inside the package or archive.")
@click.option("--member", help="The place inside an archive that --file is.")
@click.option("--tree", metavar="GLOB", help="Several files inside, kept together.")
def hash(path: Path | None, package: str | None, url: str | None, **inside: str | None) -> None:  # noqa: A001
    """Print checksum and size of PATH (a file, or a folder as a tree of files), ready for a manifest.

    With --package or --url, and --file or --tree, print those of what is inside; it is fetched.
    """
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
    stated = {**given, "sha256": sha256, "size": size}
    click.echo("\n".join(f"{key}: {_quoted(value)}" for key, value in stated.items()))


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
    return Fetcher(Cache(), progress=lambda text: click.echo(text, err=True)).measure(asset)


def _quoted(value: object) -> str:
    text = str(value)
    return f'"{text}"' if text[:1] in "*&!@%`{[" or ": " in text or " #" in text else text

"""``mlms env``: the environments that frameworks run in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import click

from pytest_mlmodelscope.agent.environment import Environment, Environments
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, UsageError, did_you_mean
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.manifest.cache import Cache

_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")


@click.group()
def env() -> None:
    """List, build, verify and remove the environments of frameworks (kept beside the cached files)."""


@env.command("list")
@_json
def list_(as_json: bool) -> None:
    """List the host's own environments that fit, those that were built, and what is not built yet."""
    kept = _environments()
    found = list(kept.all())
    have = {environment.framework for environment in found}
    rows = [_row(kept, environment) for environment in found]
    rows += [{"framework": name, "source": "not built yet"} for name in names("frameworks") if name not in have]
    _print(rows, as_json)


@env.command()
@click.argument("frameworks", nargs=-1, metavar="[FRAMEWORK[==VERSION]]...")
@click.option("--with", "packages", multiple=True, metavar="PACKAGE==VERSION", help="Installed beside the framework.")
@click.option("--offline", is_flag=True, help="From what the installer has kept, without the network.")
@_json
def build(frameworks: Sequence[str], packages: tuple[str, ...], offline: bool, as_json: bool) -> None:
    """Build the environments of these frameworks, or of all; what is there already is left alone."""
    kept = _environments(offline)
    wanted = [_split(text) for text in frameworks or names("frameworks")]
    found = [kept.obtain(FrameworkUse(name, packages=packages), version) for name, version in wanted]
    _print([_row(kept, environment) for environment in found], as_json)


@env.command()
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@_json
def verify(keys: Sequence[str], as_json: bool) -> None:
    """Import the framework of each built environment once more."""
    kept = _environments()
    rows = [_verified(kept, key) for key in _known(kept, keys)]
    _print(rows, as_json)
    if any("error" in row for row in rows):
        raise SystemExit(1)


@env.command()
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--all", "everything", is_flag=True, help="All that were built.")
@_json
def remove(keys: Sequence[str], everything: bool, as_json: bool) -> None:
    """Remove built environments; they are built again when they are needed."""
    if not keys and not everything:
        raise UsageError("nothing to remove", hint="name the keys that `mlms env list` shows, or give --all")
    kept = _environments()
    rows = [{"key": key, "removed": True} for key in _known(kept, keys)]
    for row in rows:
        kept.built.remove(str(row["key"]))
    _print(rows, as_json)


def _environments(offline: bool = False) -> Environments:
    return Environments(Cache().root, offline, lambda text: click.echo(text, err=True))


def _split(text: str) -> tuple[str, str]:
    """A framework's name and the requirement on its version, as in ``pytorch>=2``."""
    match = re.fullmatch(r"([A-Za-z0-9_-]+)\s*(.*)", text)
    if match is None:
        raise UsageError("not a framework", got=text, expected="a name, or a name with a version as in pytorch>=2")
    return match[1], match[2]


def _known(kept: Environments, keys: Sequence[str]) -> Iterable[str]:
    there = [key for key, _ in kept.built.all()]
    for key in keys:
        if key not in there:
            raise UsageError(f'no environment is called "{key}"', hint=did_you_mean(key, there) or "none is built")
    return keys or there


def _verified(kept: Environments, key: str) -> dict[str, Any]:
    try:
        kept.built.verify(key)
    except EnvironmentUnavailable as error:
        return {"key": key, "error": str(error)}
    return {"key": key, "verified": True}


def _row(kept: Environments, environment: Environment) -> dict[str, Any]:
    row: dict[str, Any] = {
        "framework": environment.framework,
        "version": environment.version,
        "source": environment.source,
        "python": str(environment.python),
        "packages": dict(environment.packages),
    }
    if environment.source == "built":
        row |= {"key": environment.key, "bytes": kept.built.size(environment.key)}
    return row


def _print(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo("  ".join(_cells(row)))
    if not rows:
        click.echo("no environments")


def _cells(row: dict[str, Any]) -> Iterable[str]:
    if "framework" in row:
        yield f"{row['framework']:<12} {row.get('version', ''):<10} {row['source']}"
    if "key" in row:
        yield str(row["key"])
    if "bytes" in row:
        yield f"{row['bytes'] / 1e6:,.0f} MB"
    yield from (word for word in ("verified", "removed") if row.get(word))
    yield from (str(row[word]) for word in ("error",) if word in row)

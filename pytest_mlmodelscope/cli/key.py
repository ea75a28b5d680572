"""``mlms key``: the keys that records are signed with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pytest_mlmodelscope.cli.console import examples, json_option, tell

if TYPE_CHECKING:
    from pytest_mlmodelscope.record.keys import OwnKey

_name = click.argument("name", default="default")


@click.group(epilog=examples("mlms key new", "mlms key show"))
def key() -> None:
    """Make and show the keys that records are signed with (Ed25519)."""


@key.command(epilog=examples("mlms key new"))
@_name
@json_option
def new(name: str, as_json: bool) -> None:
    """Make a key called NAME, kept for you alone. One that is there is never written over."""
    from pytest_mlmodelscope.record import keys

    _print(keys.new(name), as_json)


@key.command(epilog=examples("mlms key show"))
@_name
@json_option
def show(name: str, as_json: bool) -> None:
    """Show the public half of a key: what a hub has to know to take your records."""
    from pytest_mlmodelscope.record import keys

    _print(keys.own(name), as_json)


@key.command("list", epilog=examples("mlms key list"))
@json_option
def list_(as_json: bool) -> None:
    """List your keys."""
    from pytest_mlmodelscope.record import keys

    found = list(keys.all_own())
    lines = [f"{one.fingerprint}  {one.name}" for one in found] or ["none: mlms key new"]
    tell([_row(one) for one in found], lines, as_json)


def _row(one: OwnKey) -> dict[str, str]:
    return {"name": one.name, "fingerprint": one.fingerprint, "public": one.public, "file": str(one.path)}


def _print(one: OwnKey, as_json: bool) -> None:
    tell(_row(one), [f"{one.name}: {one.fingerprint}", f"kept in {one.path}", "", one.public.rstrip()], as_json)

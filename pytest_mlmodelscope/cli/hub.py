"""``mlms hub``: whose records a hub takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from pytest_mlmodelscope.cli.console import examples
from pytest_mlmodelscope.cli.serve import DATABASE, place
from pytest_mlmodelscope.cli.token import said, table

if TYPE_CHECKING:
    from pytest_mlmodelscope.store.tables import Key

_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")


@click.group(epilog=examples("mlms hub key list"))
def hub() -> None:
    """Look after a hub's database."""


@hub.group(epilog=examples("mlms hub key list"))
def key() -> None:
    """Register, list and revoke the public keys of those who sign records."""


@key.command(epilog=examples("mlms hub key add ann -"))
@click.argument("owner")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@DATABASE
def add(owner: str, file: Any, database: str | None) -> None:
    """Take records that the key in FILE (an Ed25519 public key, PEM; - for the standard input) signed, as OWNER's."""
    from pytest_mlmodelscope.store.access import add_key
    from pytest_mlmodelscope.store.database import Database

    with Database(place(database)) as kept, kept.writing() as session:
        added = add_key(session, owner, file.read(1 << 16))
    click.echo(f"{added.fingerprint} of {added.owner}")


@key.command("list", epilog=examples("mlms hub key list"))
@DATABASE
@_json
def list_(database: str | None, as_json: bool) -> None:
    """List the keys that were registered."""
    from pytest_mlmodelscope.store.access import keys
    from pytest_mlmodelscope.store.database import Database

    with Database(place(database)) as kept, kept.reading() as session:
        rows = [_row(one) for one in keys(session)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        table([{**row, "fingerprint": row["fingerprint"][:12]} for row in rows], tuple(_row_names()))


@key.command(epilog=examples("mlms hub key revoke 3f9a2c81d07e"))
@click.argument("fingerprint")
@DATABASE
def revoke(fingerprint: str, database: str | None) -> None:
    """Take no more records that a key signed; FINGERPRINT is its first digits or all. What it signed before stays."""
    from pytest_mlmodelscope.store.access import SHORT, revoke_key
    from pytest_mlmodelscope.store.database import Database

    with Database(place(database)) as kept, kept.writing() as session:
        gone = revoke_key(session, fingerprint)
    click.echo(f"revoked {gone.fingerprint[:SHORT]} of {gone.owner}")


def _row(one: Key) -> dict[str, Any]:
    told = (one.fingerprint, one.owner, said(one.created), said(one.revoked))
    return dict(zip(_row_names(), told, strict=True))


def _row_names() -> tuple[str, ...]:
    return ("fingerprint", "owner", "created", "revoked")

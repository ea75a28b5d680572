"""``mlms hub``: whose records a hub takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pytest_mlmodelscope.cli.console import examples, json_option, tell, tell_rows
from pytest_mlmodelscope.cli.serve import DATABASE, place
from pytest_mlmodelscope.cli.token import said

if TYPE_CHECKING:
    from pytest_mlmodelscope.store.tables import Key


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
@json_option
def add(owner: str, file: Any, database: str | None, as_json: bool) -> None:
    """Take records that the key in FILE (an Ed25519 public key, PEM; - for the standard input) signed, as OWNER's."""
    from pytest_mlmodelscope.store.access import add_key
    from pytest_mlmodelscope.store.database import Database

    with Database(place(database)) as kept, kept.writing() as session:
        added = _row(add_key(session, owner, file.read(1 << 16)))
    tell(added, [f"{added['fingerprint']} of {added['owner']}"], as_json)


@key.command("list", epilog=examples("mlms hub key list"))
@DATABASE
@json_option
def list_(database: str | None, as_json: bool) -> None:
    """List the keys that were registered."""
    from pytest_mlmodelscope.store.access import SHORT, keys
    from pytest_mlmodelscope.store.database import Database

    with Database(place(database)) as kept, kept.reading() as session:
        rows = [_row(one) for one in keys(session)]
    tell_rows(rows if as_json else [{**row, "fingerprint": row["fingerprint"][:SHORT]} for row in rows], as_json)


@key.command(epilog=examples("mlms hub key revoke 3f9a2c81d07e"))
@click.argument("fingerprint")
@DATABASE
@json_option
def revoke(fingerprint: str, database: str | None, as_json: bool) -> None:
    """Take no more records that a key signed; FINGERPRINT is its first digits or all. What it signed before stays."""
    from pytest_mlmodelscope.store.access import SHORT, revoke_key
    from pytest_mlmodelscope.store.database import Database

    with Database(place(database)) as kept, kept.writing() as session:
        gone = _row(revoke_key(session, fingerprint))
    tell(gone, [f"revoked {gone['fingerprint'][:SHORT]} of {gone['owner']}"], as_json)


def _row(one: Key) -> dict[str, Any]:
    return {
        "fingerprint": one.fingerprint,
        "owner": one.owner,
        "created": said(one.created),
        "revoked": said(one.revoked),
    }

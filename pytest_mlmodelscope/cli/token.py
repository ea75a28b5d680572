"""``mlms token``: who may write to a hub."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from pytest_mlmodelscope.cli.console import examples
from pytest_mlmodelscope.cli.serve import DATABASE, place

if TYPE_CHECKING:
    from pytest_mlmodelscope.store.tables import Token

_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")


@click.group(epilog=examples("mlms token new ann --scope results:write", "mlms token list"))
def token() -> None:
    """Give out, list and revoke the tokens by which others write to a hub."""


@token.command(epilog=examples("mlms token new ann --scope results:write --days 90"))
@click.argument("owner")
@click.option("--scope", "scopes", multiple=True, required=True, help="results:write, jobs:write or admin.")
@click.option("--days", type=click.FloatRange(min=0, max=36500), help="Good for so long (default: until revoked).")
@DATABASE
@_json
def new(owner: str, scopes: Sequence[str], days: float | None, database: str | None, as_json: bool) -> None:
    """Print a new token of OWNER. It is shown only now: the hub keeps its digest alone."""
    from pytest_mlmodelscope.store.access import new_token
    from pytest_mlmodelscope.store.database import Database

    with Database(place(database)) as kept, kept.writing() as session:
        text = new_token(session, owner, scopes, days)
    click.echo(json.dumps({"token": text, "owner": owner, "scopes": sorted(set(scopes))}) if as_json else text)


@token.command("list", epilog=examples("mlms token list"))
@DATABASE
@_json
def list_(database: str | None, as_json: bool) -> None:
    """List the tokens: owner, scopes, until when, and whether they are still good."""
    from pytest_mlmodelscope.store.access import tokens
    from pytest_mlmodelscope.store.database import Database

    with Database(place(database)) as kept, kept.reading() as session:
        rows = [_row(one) for one in tokens(session)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        table(rows, ("id", "owner", "scopes", "created", "expires", "state"))


@token.command(epilog=examples("mlms token revoke 7"))
@click.argument("identity", metavar="ID")
@DATABASE
def revoke(identity: str, database: str | None) -> None:
    """Let the token ID (its first digits, as the list has them) be good for nothing from now on."""
    from pytest_mlmodelscope.store.access import SHORT, revoke_token
    from pytest_mlmodelscope.store.database import Database

    with Database(place(database)) as kept, kept.writing() as session:
        gone = revoke_token(session, identity)
    click.echo(f"revoked {gone.digest[:SHORT]} of {gone.owner}")


def _row(one: Token) -> dict[str, Any]:
    from pytest_mlmodelscope.store.access import SHORT, is_good

    return {
        "id": one.digest[:SHORT],
        "owner": one.owner,
        "scopes": one.scopes,
        "created": said(one.created),
        "expires": said(one.expires),
        "state": "good" if is_good(one) else "revoked" if one.revoked else "too old",
    }


def said(at: datetime | None) -> str:
    """A moment, to the minute; empty for none."""
    return "" if at is None else at.isoformat(timespec="minutes")


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Rows as a table, as wide as the terminal."""
    from pytest_mlmodelscope.cli.console import columns as width
    from pytest_mlmodelscope.reports.terminal import listing

    click.echo(listing(columns, [[str(row[name]) for name in columns] for row in rows], width()))

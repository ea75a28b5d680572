"""``mlms token``: who may write to a hub."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from pytest_mlmodelscope.cli.console import examples, json_option, tell, tell_rows
from pytest_mlmodelscope.cli.serve import DATABASE, place

if TYPE_CHECKING:
    from pytest_mlmodelscope.store.tables import Token


@click.group(epilog=examples("mlms token new ann --scope results:write", "mlms token list"))
def token() -> None:
    """Give out, list and revoke the tokens by which others write to a hub."""


@token.command(epilog=examples("mlms token new ann --scope results:write --days 90"))
@click.argument("owner")
@click.option("--scope", "scopes", multiple=True, required=True, help="results:write, jobs:write or admin.")
@click.option("--days", type=click.FloatRange(min=0, max=36500), help="Good for so long (default: until revoked).")
@DATABASE
@json_option
def new(owner: str, scopes: Sequence[str], days: float | None, database: str | None, as_json: bool) -> None:
    """Print a new token of OWNER. It is shown only now: the hub keeps its digest alone."""
    from pytest_mlmodelscope.store.access import new_token
    from pytest_mlmodelscope.store.database import Database

    with Database(place(database)) as kept, kept.writing() as session:
        text = new_token(session, owner, scopes, days)
    tell({"token": text, "owner": owner, "scopes": sorted(set(scopes))}, [text], as_json)


@token.command("list", epilog=examples("mlms token list"))
@DATABASE
@json_option
def list_(database: str | None, as_json: bool) -> None:
    """List the tokens: owner, scopes, until when, and whether they are still good."""
    from pytest_mlmodelscope.store.access import tokens
    from pytest_mlmodelscope.store.database import Database

    with Database(place(database)) as kept, kept.reading() as session:
        rows = [_row(one) for one in tokens(session)]
    tell_rows(rows, as_json)


@token.command(epilog=examples("mlms token revoke 7"))
@click.argument("identity", metavar="ID")
@DATABASE
@json_option
def revoke(identity: str, database: str | None, as_json: bool) -> None:
    """Let the token ID (its first digits, as the list has them) be good for nothing from now on."""
    from pytest_mlmodelscope.store.access import revoke_token
    from pytest_mlmodelscope.store.database import Database

    with Database(place(database)) as kept, kept.writing() as session:
        gone = _row(revoke_token(session, identity))
    tell(gone, [f"revoked {gone['id']} of {gone['owner']}"], as_json)


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

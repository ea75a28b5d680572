"""``mlms push``: signed records to a hub."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from pytest_mlmodelscope.cli.console import examples, json_option, tell
from pytest_mlmodelscope.cli.recorded import chosen, named, store_option

if TYPE_CHECKING:
    from pytest_mlmodelscope.library.pushing import Pushed


@click.command(
    epilog=examples("mlms push --to https://hub.example", "mlms push now.json 3f2a9c01d2e4 --to https://hub.example")
)
@click.argument("records", nargs=-1, metavar="[RECORD]...")
@click.option("--to", "address", required=True, metavar="ADDRESS", help="The hub, as https://hub.example.")
@click.option("--token", envvar="MLMS_TOKEN", metavar="TOKEN", help="Of this hub, for writing (better: MLMS_TOKEN).")
@click.option("--key", "name", default="default", show_default=True, help="Which of your keys signs (mlms key list).")
@click.option("--insecure", is_flag=True, help="Send the token also where others may read it on the way.")
@store_option
@json_option
def push(
    records: Sequence[str],
    address: str,
    token: str | None,
    name: str,
    insecure: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Send each RECORD (a file, a folder of them, or the beginning of a digest in the store) to a hub, signed; without
    any, all of the store. What the hub has already is not sent; what breaks off is taken up by the next push.

    Exit code 0 when the hub has all of them; 1 when it refused one, and it says why; 2 when it cannot be reached, or
    takes nothing from you.
    """
    from pytest_mlmodelscope.library.pushing import Hub, push_all
    from pytest_mlmodelscope.record import keys

    rows: list[Pushed] = []
    waiting = _quiet if as_json else _aside
    try:
        with Hub(address, token, insecure=insecure, told=waiting) as hub:
            for one in push_all(hub, _records(records, store), keys.own(name).private):
                rows.append(one)
                if not as_json:
                    click.echo(_line(one))
    except BaseException as error:
        if rows:  # what became of those before it broke off
            _show(rows, as_json)
        if isinstance(error, KeyboardInterrupt):
            waiting("broke off; push again: what is there is not sent again")
        raise
    _show(rows, as_json)
    sys.exit(1 if any(one.outcome == "refused" for one in rows) else 0)


def _show(rows: Sequence[Pushed], as_json: bool) -> None:
    counts = Counter(one.outcome for one in rows)
    told = f"{counts['new']} new, {counts['there']} there, {counts['refused']} refused"
    tell([asdict(one) for one in rows], [told], as_json)


def _line(one: Pushed) -> str:
    return f"{one.outcome:8} {one.digest[:12]} {one.name}{f': {one.why}' if one.why else ''}"


def _aside(text: str) -> None:
    click.echo(text, err=True)


def _quiet(text: str) -> None:
    """A program waits without a word."""


def _records(names: Sequence[str], store: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is to be sent, each with a name for a person; one is read when its turn comes."""
    if names:
        return named(names, store)
    return ((found["datetime"], found) for _, found in chosen((), store))

"""``mlms cache``: what was fetched and kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import click

from pytest_mlmodelscope.cli.console import examples, json_option, print_json
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.manifest import inventory
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.inventory import Entry

_UNITS: Final = {"": 1, "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS_2: Final = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


@click.group(epilog=examples("mlms cache list", "mlms cache prune --max-size 2GB"))
def cache() -> None:
    """List, verify and prune the files that were fetched (set MLMS_CACHE to keep them elsewhere)."""


@cache.command("list", epilog=examples("mlms cache list"))
@json_option
def list_(as_json: bool) -> None:
    """List what is kept, the least recently used first."""
    kept = Cache()
    _print(kept, inventory.entries(kept), as_json, "kept")


@cache.command(epilog=examples("mlms cache verify"))
@json_option
def verify(as_json: bool) -> None:
    """Hash everything that is kept; what is damaged is removed, to be fetched again when needed."""
    kept = Cache()
    damaged = inventory.verify(kept)
    _print(kept, damaged, as_json, "damaged and removed")
    if damaged:
        raise SystemExit(1)


@cache.command(epilog=examples("mlms cache prune --older-than 30 --dry-run"))
@click.option("--older-than", type=click.FloatRange(min=0), metavar="DAYS", help="What was not used for so many days.")
@click.option("--max-size", metavar="SIZE", help="The least recently used, until so much is left: 2GB, 500 MB.")
@click.option("--all", "everything", is_flag=True, help="Everything.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@json_option
def prune(older_than: float | None, max_size: str | None, everything: bool, dry_run: bool, as_json: bool) -> None:
    """Remove what is kept; without options, the whole packages whose parts are kept by themselves, and
    predictions, outputs and counterexamples of runs that nobody has looked at, or repeated, for 30 days.
    """
    kept = Cache()
    limit = None if max_size is None else size(max_size)
    removed = inventory.prune(kept, older_than, limit, everything, dry_run)
    _print(kept, removed, as_json, "would be removed" if dry_run else "removed")


def size(text: str) -> int:
    """A size in bytes, from how a person writes it.

    Raises:
        UsageError: it is not a size.
    """
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", text)
    factor = {**_UNITS, **_UNITS_2}.get(match[2]) if match else None
    if match is None or factor is None:
        raise UsageError(f'"{text}" is not a size', hint="a number and a unit, such as 2GB, 500 MB or 1.5GiB")
    return int(float(match[1]) * factor)


def _print(kept: Cache, entries: Sequence[Entry], as_json: bool, what: str) -> None:
    if as_json:
        print_json([_row(entry) for entry in entries])
        return
    for entry in entries:
        row = _row(entry)
        click.echo(
            f"{row['last_used'][:10]}  {_shown(entry.size):>9}  {row['kind']:14}  {entry.name[:12]}  {row['from']}"
        )
    total = sum(entry.size for entry in entries)
    click.echo(f"{len(entries)} {what}, {_shown(total)}, in {kept.root}")


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.kind.removesuffix("s"),
        "name": entry.name,
        "sha256": entry.sha256,
        "size": entry.size,
        "last_used": datetime.fromtimestamp(entry.last_used, UTC).isoformat(timespec="seconds"),
        "from": entry.origin,
    }


def _shown(count: int) -> str:
    unit, factor = next((one for one in reversed(_UNITS.items()) if count >= one[1] and one[0] != "KB"), ("B", 1))
    return f"{count / factor:.1f} {unit}" if factor > 1 else f"{count} B"

"""``mlms record``: the runs that this machine has kept."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_mlmodelscope.cli.console import examples, json_option, table, tell
from pytest_mlmodelscope.cli.recorded import all_files, chosen, kept, opened, store_option
from pytest_mlmodelscope.cli.show import format_option
from pytest_mlmodelscope.core.errors import DocumentError, UsageError

if TYPE_CHECKING:
    from pytest_mlmodelscope.store.database import Database
    from pytest_mlmodelscope.store.tables import Record


@click.group(epilog=examples("mlms record list", "mlms record export --into all"))
def record() -> None:
    """List, show, move and prune the runs that this machine has kept: each `pytest --mlms` leaves one."""


@record.command("list", epilog=examples("mlms record list", "mlms record list --limit 100 --json"))
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="The newest so many.")
@store_option
@json_option
def list_(limit: int, store: str | None, as_json: bool) -> None:
    """List what is kept, the newest first."""
    from pytest_mlmodelscope.store.runs import newest

    with opened(store) as database, database.reading() as session:
        rows = [_row(one) for one in newest(session, limit)]
    if as_json or not rows:
        tell(rows, ["none"], as_json)
        return
    cells = [[row["digest"][:12], row["at"][:16], row["machine_class"], str(row["cases"]), _told(row)] for row in rows]
    table(("record", "at (UTC)", "machine", "cases", "verdicts"), cells)


@record.command(epilog=examples("mlms record show 3f2a9c01d2e4"))
@click.argument("digest")
@format_option
@store_option
def show(digest: str, format_: str, store: str | None) -> None:
    """Show the verdicts of the record whose DIGEST begins so."""
    from pytest_mlmodelscope.cli.show import shown_record

    shown_record(kept(digest, store)[1], format_)


@record.command(epilog=examples("mlms record export 3f2a9c01d2e4 --into runs", "mlms record export --into all"))
@click.argument("digests", nargs=-1, metavar="[DIGEST]...")
@click.option(
    "--into", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder, made if need be."
)
@store_option
@json_option
def export(digests: Sequence[str], into: Path, store: str | None, as_json: bool) -> None:
    """Write records as files, named by their digests; without a DIGEST all of them."""
    from pytest_mlmodelscope.record.build import write

    written = []
    for digest, found in chosen(digests, store):
        path = into / f"{digest}.json"
        write(found, path)
        written.append({"digest": digest, "file": str(path)})
    tell(written, [row["file"] for row in written] or ["none"], as_json)


@record.command("import", epilog=examples("mlms record import now.json", "mlms record import runs/"))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE|FOLDER...")
@store_option
@json_option
def import_(files: Sequence[Path], store: str | None, as_json: bool) -> None:
    """Keep the records in files, or in folders of them. Those that are kept already stay as they are.

    Exit code 1 when one of them is no record; the others are kept.
    """
    with opened(store) as database:
        rows = [_kept_file(database, path) for path in all_files(files)]
    lines = (f"{row['outcome']:8} {row['digest'][:12]:12} {row['file']}{_because(row['why'])}" for row in rows)
    tell(rows, lines, as_json)
    sys.exit(1 if any(row["outcome"] == "refused" for row in rows) else 0)


@record.command(epilog=examples("mlms record remove 3f2a9c01d2e4"))
@click.argument("digests", nargs=-1, required=True, metavar="DIGEST...")
@store_option
@json_option
def remove(digests: Sequence[str], store: str | None, as_json: bool) -> None:
    """Remove records from the store; the ones before them are then the newest again."""
    from pytest_mlmodelscope.store.runs import find
    from pytest_mlmodelscope.store.runs import remove as take

    with opened(store) as database, database.writing() as session:
        found = list(dict.fromkeys(find(session, start) for start in digests))
        for digest in found:
            take(session, digest)
    _show_removed(found, as_json)


@record.command(epilog=examples("mlms record prune --older-than 90", "mlms record prune --keep 500 --dry-run"))
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="All but the newest N.")
@click.option("--older-than", type=click.FloatRange(min=0), metavar="DAYS", help="Those written so many days ago.")
@click.option("--current", is_flag=True, help="Also those with the newest result of a case on a kind of machine.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@store_option
@json_option
def prune(
    keep: int | None, older_than: float | None, current: bool, dry_run: bool, store: str | None, as_json: bool
) -> None:
    """Remove old records, and give the room that they took back. With both options, those to which both apply.

    What the matrix shows stays: a record with the newest result of a case on a kind of machine is kept, however old.
    """
    from pytest_mlmodelscope.store.pruning import old

    if keep is None and older_than is None:
        raise UsageError("nothing says which records are old", hint="--older-than DAYS, or --keep N")
    before = None if older_than is None else datetime.now(UTC) - timedelta(days=older_than)
    with opened(store) as database:
        with database.reading() as session:
            found = list(old(session, keep or 0, before, current))
        if not dry_run:
            _remove(database, found)
            database.shrink()
    _show_removed(found, as_json, "would remove" if dry_run else "removed")


# -- what they share -------------------------------------------------------------------------------------


def _row(kept: Record) -> dict[str, Any]:
    verdicts = [result.verdict for result in kept.results]
    return {
        "digest": kept.digest,
        "at": kept.at.isoformat(),
        "machine_class": kept.machine_class,
        "cases": len(verdicts),
        "verdicts": {word: verdicts.count(word) for word in sorted(set(verdicts))},
        "key": kept.key,
    }


def _told(row: dict[str, Any]) -> str:
    return ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in row["verdicts"].items())


def _remove(database: Database, digests: Sequence[str]) -> None:
    """One after the other, so that others can write between."""
    from pytest_mlmodelscope.store.runs import remove as take

    for digest in digests:
        with database.writing() as session:
            take(session, digest)


def _show_removed(digests: Sequence[str], as_json: bool, done: str = "removed") -> None:
    lines = [f"{done} {digest[:12]}" for digest in digests] or ["none"]
    tell(digests, lines, as_json)


def _kept_file(database: Database, path: Path) -> dict[str, str]:
    from pytest_mlmodelscope.record.build import read
    from pytest_mlmodelscope.store.runs import add

    try:
        found = read(path)
        with database.writing() as session:
            added = add(session, found)
    except DocumentError as error:
        return {"file": str(path), "digest": "", "outcome": "refused", "why": " ".join(str(error).split())}
    return {"file": str(path), "digest": added.digest, "outcome": "new" if added.new else "there", "why": ""}


def _because(why: str) -> str:
    return f": {why}" if why else ""

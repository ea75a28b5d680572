"""What the terminal takes: its width, and whether colour and moving lines are wanted."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TextIO

import click

json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")

#: Columns of a list that no terminal bounds.
_UNBOUND: Final = 100_000


def columns() -> int:
    """The width of the terminal; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def room() -> int:
    """The width that a list may take: all that it wants where it goes to another program, as `grep`, line by line."""
    return columns() if _terminal(sys.stdout) or "COLUMNS" in os.environ else _UNBOUND


def colour(stream: TextIO | None = None) -> bool:
    """Whether to write colour to a stream (default: the standard output).

    ``NO_COLOR`` (https://no-color.org) forbids it, ``FORCE_COLOR`` wants it also where nobody looks; either counts
    when it is not empty.
    """
    told = forced()
    return _terminal(stream or sys.stdout) if told is None else told


def forced() -> bool | None:
    """What the environment says of colour; None where it leaves that to the terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return False if os.environ.get("TERM") == "dumb" else None


def moves(stream: TextIO | None = None) -> bool:
    """Whether a line that moves can be drawn on a stream (default: the standard error)."""
    return _terminal(stream or sys.stderr) and os.environ.get("TERM") != "dumb"


def _terminal(stream: TextIO) -> bool:
    return stream.isatty()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows below a head, as wide as ``room`` says."""
    from pytest_mlmodelscope.reports.terminal import listing

    click.echo(listing(head, rows, room()))


def print_json(data: object) -> None:
    """Write what a command found, for programs."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def tell(data: object, lines: Iterable[str], as_json: bool) -> None:
    """Write what a command found: for programs, or in lines for a person."""
    if as_json:
        print_json(data)
    else:
        click.echo("\n".join(lines))


def tell_rows(rows: Sequence[Mapping[str, object]], as_json: bool) -> None:
    """Write what a command found many of, all with the same keys: for programs, or as a table."""
    if as_json or not rows:
        tell(rows, ["none"], as_json)
    else:
        table(tuple(rows[0]), [list(map(str, row.values())) for row in rows])


def examples(*lines: str) -> str:
    """The end of a command's help: calls that a reader can copy."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)

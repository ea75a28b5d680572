"""What a person who waits sees: a moving line on a terminal, plain lines elsewhere, nothing for a program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from pytest_mlmodelscope.cli.console import colour, moves
from pytest_mlmodelscope.core.progress import Part, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


@contextmanager
def progress(as_json: bool = False) -> Iterator[Progress]:
    """Takes sentences about long work and shows them on the standard error while the block runs.

    On a terminal the last one stands in one line with the time that has passed, and a bar where it is known how
    far the work is; the line is gone afterwards. Print nothing to the standard output inside the block.
    """
    if as_json:
        yield lambda _: None
    elif moves():
        with _bar() as bar:
            yield _moving(bar)
    else:
        yield lambda text: click.echo(text, err=True)


def _bar() -> Bar:
    import sys

    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True, no_color=not colour(sys.stderr), highlight=False)
    return Bar(*columns, console=console, transient=True, redirect_stdout=False)


def _moving(bar: Bar) -> Progress:
    task = bar.add_task("", total=None)

    def told(text: str) -> None:
        done, total = (text.done, text.total or None) if isinstance(text, Part) else (0, None)
        bar.update(task, description=str(text), completed=done, total=total)

    return told

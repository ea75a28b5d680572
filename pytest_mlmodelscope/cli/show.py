"""``mlms show``: what a record holds."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.record.build import read
from pytest_mlmodelscope.record.matrix import of_record

format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(names("reports")),
    default="terminal",
    show_default=True,
    help="How to report.",
)


def as_report(format_: str, as_json: bool) -> str:
    """The name of the report that was asked for."""
    return "json" if as_json else format_


def columns() -> int:
    """The width of the terminal; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


@click.command()
@click.argument("record", type=click.Path(path_type=Path))
@format_option
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def show(record: Path, format_: str, as_json: bool) -> None:
    """Show the verdicts in RECORD, a file that `pytest --mlms --mlms-json RECORD` wrote.

    Exit code 0 whatever the verdicts are; 2 when the record cannot be read.
    """
    held = read(record)["mlms"]
    cases, matrices = held["cases"], of_record(held.get("matrices", ()))
    report = member("reports", as_report(format_, as_json))
    click.echo(report.session(cases, width=columns(), colour=sys.stdout.isatty()))
    if matrices and as_report(format_, as_json) == "markdown":
        click.echo(f"\n{report.matrices(matrices)}")
    if cases and as_report(format_, as_json) == "terminal":
        from pytest_mlmodelscope.reports._text import counts

        click.echo(f"\n{counts(cases)}")

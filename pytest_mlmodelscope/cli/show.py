"""``mlms show``: one thing, by its name: a record, a model, a claim, a dataset, a framework, a target."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pytest_mlmodelscope.cli import completing
from pytest_mlmodelscope.cli.console import colour, columns, examples
from pytest_mlmodelscope.core.registry import member, names

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


@click.command(
    epilog=examples("mlms show now.json", "mlms show squeezenet-1.1", "mlms show framework onnxruntime --json")
)
@click.argument("what", nargs=-1, required=True, metavar="RECORD | [KIND] NAME", shell_complete=completing.anything)
@format_option
@click.option("--json", "as_json", is_flag=True, help="As JSON; of a record the same as --format json.")
def show(what: Sequence[str], format_: str, as_json: bool) -> None:
    """Show everything about one thing: the verdicts in RECORD, a file that `pytest --mlms --mlms-json RECORD` wrote,
    or the model, claim, dataset, framework or target called NAME, with what to type next.

    KIND (model, claim, dataset, framework, target) says what is meant, where two of them have one name.

    Exit code 0 whatever the verdicts are; 2 when the record cannot be read, or nothing has this name.
    """
    from pytest_mlmodelscope.cli import cards

    if len(what) == 1 and (Path(what[0]).exists() or what[0].endswith(".json") or "/" in what[0]):
        from pytest_mlmodelscope.record.build import read

        shown_record(read(Path(what[0])), as_report(format_, as_json))
        return
    found = cards.find(what)
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else cards.shown(found, columns()))


def shown_record(record: Mapping[str, Any], format_: str) -> None:
    """Write the verdicts of a record."""
    from pytest_mlmodelscope.record.matrix import of_record

    held = record["mlms"]
    cases, matrices = held["cases"], of_record(held.get("matrices", ()))
    report = member("reports", format_)
    click.echo(report.session(cases, width=columns(), colour=colour()))
    if matrices and format_ == "markdown":
        click.echo(f"\n{report.matrices(matrices)}")
    if cases and format_ == "terminal":
        from pytest_mlmodelscope.reports._text import counts

        click.echo(f"\n{counts(cases)}")

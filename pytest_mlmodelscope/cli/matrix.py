"""``mlms matrix``: one model on several frameworks, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from pytest_mlmodelscope.cli.console import colour, columns, examples
from pytest_mlmodelscope.cli.show import format_option
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.record.build import read
from pytest_mlmodelscope.record.matrix import Matrix, matrices, of_record


@click.command(epilog=examples("mlms matrix now.json", "mlms matrix laptop.json server.json --format markdown"))
@click.argument("records", nargs=-1, required=True, type=click.Path(path_type=Path))
@format_option
def matrix(records: Sequence[Path], format_: str) -> None:
    """Show each model that ran over the same data on several frameworks: figures, decisions that
    differ, the largest difference of the outputs, latency.

    Of one record the tables that it holds. Of several RECORDS the cases of all are put together, and
    predictions and outputs are read from where they were kept.
    """
    report = member("reports", format_)
    if not hasattr(report, "matrices"):
        raise UsageError(f"the report {format_} shows no matrices", hint="--format terminal, markdown or json")
    found = _of_one(records[0]) if len(records) == 1 else _of_all(records)
    if not found and format_ == "terminal":
        click.echo("no model ran over the same data on two frameworks")
        return
    click.echo(report.matrices(found, width=columns(), colour=colour()))


def _of_one(path: Path) -> list[Matrix]:
    held = read(path)["mlms"]
    return of_record(held["matrices"]) if "matrices" in held else matrices(held["cases"])


def _of_all(paths: Sequence[Path]) -> list[Matrix]:
    """The cases of all records together, each knowing whose it is."""
    return matrices([{**case, "record": path.name} for path in paths for case in read(path)["mlms"]["cases"]])

"""``mlms history``: many records of the same cases."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from pytest_mlmodelscope.cli.console import columns, examples, json_option
from pytest_mlmodelscope.cli.diff import kinds_of
from pytest_mlmodelscope.cli.recorded import named
from pytest_mlmodelscope.record.history import FAILURES, USUAL
from pytest_mlmodelscope.record.history import history as of_records


@click.command(epilog=examples("mlms history records/", "mlms history monday.json tuesday.json --case latency"))
@click.argument("records", nargs=-1, required=True, type=click.Path())
@click.option("--case", "chosen", multiple=True, metavar="TEXT", help="Only cases with this in their id.")
@click.option("--all", "everything", is_flag=True, help="Also the cases in which nothing happened.")
@json_option
@click.option(
    "--fail-on",
    metavar="KINDS",
    default=",".join(USUAL),
    show_default=True,
    help="What makes the exit code 1: any of change, drift, flaky, vanished and machine, joined by commas; or none.",
)
def history(records: Sequence[str], chosen: Sequence[str], everything: bool, as_json: bool, fail_on: str) -> None:
    """Say what many RECORDS (files, folders of them, or the beginnings of digests that `mlms record list` shows) show
    together: since when a figure is another and what changed with it, whether it drifts, which verdicts and answers
    are flaky, which cases are gone.

    Only figures of the same model, data, conditions and (where they were timed) machine are compared with the latest.
    Exit code 1 when the latest level of a figure is worse than the one before, a figure drifts the wrong way, a case is
    flaky or gone; 2 when a record cannot be read.
    """
    from pytest_mlmodelscope.reports import _history

    kinds = kinds_of(fail_on, FAILURES)
    found = _history.only(of_records([(Path(name).stem, found) for name, found in named(records)]), chosen)
    click.echo(_history.as_json(found) if as_json else _history.shown(found, columns(), everything))
    worse = found.worse(kinds)
    if worse and not as_json:
        click.echo("\n".join(["", "failed:", *(f"  {sentence}" for sentence in worse)]), err=True)
    sys.exit(1 if worse else 0)

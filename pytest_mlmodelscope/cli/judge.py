"""``mlms judge``: verdicts for a table of results that were measured elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from pytest_mlmodelscope.cli.console import colour, columns, examples
from pytest_mlmodelscope.cli.show import format_option
from pytest_mlmodelscope.core.errors import UsageError, did_you_mean
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.table.cells import Rules

_DEFAULT = Rules()


@click.command(epilog=examples("mlms judge results.csv", "mlms judge results.csv --claims published.csv --items 10000"))
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--claims", type=click.Path(path_type=Path), help="A second table: what was claimed of each model.")
@click.option("--column", "pairs", metavar="ROLE=HEADING", multiple=True, help="Which column says what.")
@click.option("--metric", "metrics", metavar="HEADING", multiple=True, help="One more column that holds figures.")
@click.option("--items", type=click.IntRange(1), help="How many items a share rests on, where no column says it.")
@click.option(
    "--flips",
    type=click.FloatRange(0, 100, min_open=True),
    default=100 * _DEFAULT.flips,
    show_default=True,
    help="Per cent of the items that numerics may decide otherwise.",
)
@click.option(
    "--error-rate",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=_DEFAULT.error_rate,
    show_default=True,
    help="The share of clean tables in which anything is found, at most.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Percentage points that every claim admits besides the rounding of its last digit.",
)
@click.option("--same-items", is_flag=True, help="Claims are about the very items of the table.")
@click.option("--unpaired", is_flag=True, help="Each row is about a sample of items of its own.")
@format_option
def judge(
    table: Path,
    claims: Path | None,
    pairs: Sequence[str],
    metrics: Sequence[str],
    items: int | None,
    flips: float,
    error_rate: float,
    tolerance: float,
    same_items: bool,
    unpaired: bool,
    format_: str,
) -> None:
    """Judge TABLE, results that were measured elsewhere: delimited text with a header.

    Columns name the model, the framework, the machine, and hold figures: `metric`, `value` and `n` in
    a line for each figure, or a column for each metric (`top1`, `latency_ms`). Looked for are figures
    that differ from the model's others, models that are the same under two names, frameworks and
    machines that are off as a whole, models that are broken everywhere, claims that fail, and what
    cannot be.

    Exit code 0 when nothing is found, 1 when something is, 2 when the table cannot be read.
    """
    from pytest_mlmodelscope.table.claimed import with_claims
    from pytest_mlmodelscope.table.judge import judge as judge_table
    from pytest_mlmodelscope.table.read import read_table

    report = member("reports", format_)
    if not hasattr(report, "table"):
        raise UsageError(f"the report {format_} shows no tables", hint="--format terminal, markdown or json")
    read = read_table(table, _roles(pairs), metrics)
    if claims is not None:
        read = with_claims(read, read_table(claims, claims=True))
    rules = Rules(error_rate, flips / 100, not unpaired, same_items, tolerance / 100)
    judged = judge_table(read, rules, items)
    click.echo(report.table(judged, width=columns(), colour=colour()))
    sys.exit(1 if judged.findings else 0)


def _roles(pairs: Sequence[str]) -> dict[str, str]:
    from pytest_mlmodelscope.table.columns import ROLES

    found = {}
    for pair in pairs:
        role, equals, heading = pair.partition("=")
        if not equals or role not in ROLES:
            raise UsageError(
                "--column does not know this",
                expected="ROLE=HEADING",
                got=pair,
                hint=did_you_mean(role, ROLES),
            )
        found[role] = heading
    return found

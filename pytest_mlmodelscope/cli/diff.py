"""``mlms diff``: two records, and a gate."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from pytest_mlmodelscope.cli.console import colour, columns, examples
from pytest_mlmodelscope.cli.recorded import record
from pytest_mlmodelscope.cli.show import format_option
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.record.diff import FAILURES, USUAL
from pytest_mlmodelscope.record.diff import diff as compare_records


@click.command(epilog=examples("mlms diff before.json now.json", "mlms diff laptop.json server.json --fail-on none"))
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@format_option
@click.option(
    "--fail-on",
    metavar="KINDS",
    default=",".join(USUAL),
    show_default=True,
    help="What makes the exit code 1: any of verdict, vanished, figures and machine, joined by commas; or none.",
)
def diff(a: str, b: str, format_: str, fail_on: str) -> None:
    """Say what changed from record A to record B (two commits, or two machines): files, or runs that this machine
    has kept, by the beginning of their digest (`mlms record list`).

    First what differs in machine and software, then verdicts that changed, cases that vanished or
    are new, then every figure with its uncertainty. A figure that was measured with another model,
    other data or other conditions is shown and not judged. Then which items were decided otherwise, and
    which differences may explain it all: those that the cases that changed share, and the others lack.

    Exit code 0 when nothing is worse; 1 when a verdict is worse (from confirmed to anything else,
    from inconclusive to refuted, to error), a case vanished, or a figure is worse by more than its
    uncertainty; 2 when a record cannot be read. `machine` fails where a case was timed on another machine.
    """
    kinds = kinds_of(fail_on, FAILURES)
    difference = compare_records(record(a), record(b), (a, b))
    report = member("reports", format_)
    click.echo(report.difference(difference, width=columns(), colour=colour()))
    worse = difference.worse(kinds)
    if worse and format_ == "terminal":
        click.echo("\n".join(["", "failed:", *(f"  {sentence}" for sentence in worse)]), err=True)
    sys.exit(1 if worse else 0)


def kinds_of(text: str, known: Sequence[str]) -> list[str]:
    """What a gate is to fail on.

    Raises:
        UsageError: it is none of the known kinds.
    """
    kinds = [kind.strip() for kind in text.split(",") if kind.strip()]
    if kinds == ["none"]:
        return []
    unknown = [kind for kind in kinds if kind not in known]
    if unknown or not kinds:
        raise UsageError(
            "--fail-on does not know this", expected=f"any of {', '.join(known)}; or none", got=text or "nothing"
        )
    return kinds

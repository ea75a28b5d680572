"""``mlms show``: one thing, by its name: a record, a model, a claim, a dataset, a framework, a target."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pytest_mlmodelscope.cli import cards, completing
from pytest_mlmodelscope.cli.console import colour, columns, examples, tell
from pytest_mlmodelscope.cli.recorded import names_kept, record
from pytest_mlmodelscope.core.registry import member, names

_Command = Callable[..., Any]
_format = click.option(
    "--format", "format_", type=click.Choice(names("reports")), default="terminal", show_default=True,
    help="How to report.",
)  # fmt: skip
_json = click.option("--json", "as_json", is_flag=True, help="The same as --format json.")


def format_option(command: _Command) -> _Command:
    """Options that say which report a command writes: it gets the name of one, ``format_``."""

    @functools.wraps(command)
    def called(*arguments: Any, format_: str, as_json: bool, **options: Any) -> Any:
        return command(*arguments, format_="json" if as_json else format_, **options)

    return _format(_json(called))


@click.command(
    epilog=examples(
        "mlms show now.json",
        "mlms show 3f2a9c01d2e4",
        "mlms show squeezenet-1.1",
        "mlms show framework onnxruntime --json",
    )
)
@click.argument("what", nargs=-1, required=True, metavar="RECORD | [KIND] NAME", shell_complete=completing.anything)
@format_option
def show(what: Sequence[str], format_: str) -> None:
    """Show everything about one thing: the verdicts in RECORD, a file that `pytest --mlms --mlms-json RECORD` wrote,
    or the beginning of a kept record's digest (`mlms record list`); or the model, claim, dataset, framework or target
    called NAME, with what to type next.

    KIND (model, claim, dataset, framework, target) says what is meant, where two of them have one name.

    Exit code 0 whatever the verdicts are; 2 when the record cannot be read, or nothing has this name.
    """
    if len(what) == 1 and _is_record(what[0]):
        shown_record(record(what[0]), format_)
        return
    found = cards.find(what)
    tell(found, [cards.shown(found, columns())], format_ == "json")


def _is_record(text: str) -> bool:
    """Whether a text is meant as a file, or as the beginning of a digest and not as the name of anything."""
    if Path(text).exists() or text.endswith(".json") or "/" in text:
        return True
    return names_kept(text) and not cards.kinds_of(text)


def shown_record(found: Mapping[str, Any], format_: str) -> None:
    """Write the verdicts of a record."""
    from pytest_mlmodelscope.record.matrix import of_record

    held = found["mlms"]
    cases, matrices = held["cases"], of_record(held.get("matrices", ()))
    report = member("reports", format_)
    click.echo(report.session(cases, width=columns(), colour=colour()))
    if matrices and format_ == "markdown":
        click.echo(f"\n{report.matrices(matrices)}")
    if cases and format_ == "terminal":
        from pytest_mlmodelscope.reports._text import counts

        click.echo(f"\n{counts(cases)}")

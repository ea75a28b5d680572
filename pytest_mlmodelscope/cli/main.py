"""The group of commands. Nothing but click is imported until a command is called."""

from __future__ import annotations

import importlib
import sys
from io import TextIOWrapper
from typing import Any, Final

import click

from pytest_mlmodelscope.core.errors import MlmsError, did_you_mean

#: Name -> where it is, and what the help says of it.
COMMANDS: Final = {
    "claims": ("listing:claims", "List published claims, and where they were published."),
    "models": ("listing:models", "List the models that have a manifest."),
    "datasets": ("listing:datasets", "List the datasets that have a manifest."),
    "frameworks": ("listing:frameworks", "List the frameworks that models can run on."),
    "metrics": ("listing:metrics", "List the metrics, their units and options."),
    "checks": ("listing:checks", "List the checks, and their options."),
    "steps": ("listing:steps", "List the steps before and after a model."),
    "mismatches": ("listing:mismatches", "List the mistakes that may explain a refuted figure."),
    "readers": ("listing:readers", "List the formats of data that can be read."),
    "scenarios": ("listing:scenarios", "List the load patterns of timed claims."),
    "targets": ("targets:targets", "List the kinds of machine, and which are here."),
    "doctor": ("doctor:doctor", "Say what is here, what could be, and what would get it."),
    "run": ("run:run", "Put a model under a load: latencies, throughput, sweeps."),
    "show": ("show:show", "Show the verdicts in a record."),
    "diff": ("diff:diff", "Say what changed between two records."),
    "judge": ("judge:judge", "Judge a table of results that were measured elsewhere."),
    "history": ("history:history", "Say what many records show: changes, drift, flaky cases."),
    "bisect": ("bisect:bisect", "Measure what made the difference between two records, or versions."),
    "why": ("why:why", "Say which mistake explains a figure that is not the published one."),
    "matrix": ("matrix:matrix", "Show one model on several frameworks, side by side."),
    "schema": ("listing:schema", "Print the JSON Schema of a kind of file."),
    "lint": ("lint:lint", "Check claims and manifests without running them."),
    "hash": ("hash:hash", "Print an asset's checksum, size and listing."),
    "cache": ("cache:cache", "List, verify and prune the files that were fetched."),
    "env": ("env:env", "List, build and remove the environments of frameworks."),
}
EXIT_ERROR: Final = 2
EXIT_INTERRUPTED: Final = 130


class Commands(click.Group):
    """A group that imports a command only when it is called, and tells errors without traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """In the order of the table, which is the one that a newcomer needs them in."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported now; None when there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        found: click.Command = getattr(importlib.import_module(f"pytest_mlmodelscope.cli.{module}"), name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with the nearest name for one that is misspelt."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            ctx.fail(f'no command is called "{name}": {did_you_mean(name, COMMANDS)}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands in the help, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what a user did wrong ends as a message and exit code 2."""
        try:
            return super().invoke(ctx)
        except MlmsError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(EXIT_ERROR)
        except KeyboardInterrupt:
            click.echo("\ninterrupted", err=True)
            ctx.exit(EXIT_INTERRUPTED)


_HELP: Final = """Published machine-learning claims as executable tests.

Claims are verified by pytest; this command shows what there is to verify, and what came of it:

\b
  mlms claims                           what can be verified
  pytest --mlms --mlms-json now.json    verify it, and write a record
  mlms show now.json                    read the record
  mlms diff before.json now.json        compare it with an earlier one,
                                        or with another machine's

Exit codes: 0 all is well; 1 a gate failed (`diff`, `history`, `judge`, `lint`, `cache verify`,
`env verify`, `doctor`); 2 a mistake in what was asked for, said on the standard error; 130 interrupted.
"""


@click.command(cls=Commands, help=_HELP, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-mlmodelscope", prog_name="mlms")
def cli() -> None:
    """The group of all commands."""


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no such character shows "?"
    cli(prog_name="mlms")

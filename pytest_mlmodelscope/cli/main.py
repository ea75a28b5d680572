"""The group of commands. Nothing but click is imported until a command is called."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Mapping
from io import TextIOWrapper
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from pytest_mlmodelscope.cli.console import forced
from pytest_mlmodelscope.core.errors import MlmsError, did_you_mean

#: What a person wants to do -> name -> where the command is, and what the help says of it.
SECTIONS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "Find what there is": {
        "models": ("listing:models", "List models, or search them: by words, task, framework."),
        "claims": ("listing:claims", "List published claims, or search them."),
        "datasets": ("listing:datasets", "List datasets, or search them."),
        "frameworks": ("listing:frameworks", "List the frameworks that models can run on."),
        "targets": ("targets:targets", "List the kinds of machine, and which are here."),
        "show": ("show:show", "Show one model, claim, dataset, framework, target or record."),
    },
    "Try a model": {
        "predict": ("predict:predict", "Ask a model, on one framework or on several side by side."),
        "run": ("run:run", "Put a model under a load: latencies, throughput, sweeps."),
    },
    "Verify claims (pytest --mlms does it in a test suite)": {
        "verify": ("verify:verify_claims", "Verify claims, by their ids or files."),
        "matrix": ("matrix:matrix", "Show one model on several frameworks, side by side."),
        "why": ("why:why", "Say which mistake explains a figure that is not the published one."),
        "report": ("report:report", "Write records as one page, or as a comment on a pull request."),
        "judge": ("judge:judge", "Judge a table of results that were measured elsewhere."),
    },
    "Compare": {
        "diff": ("diff:diff", "Say what changed between two records."),
        "history": ("history:history", "Say what many records show: changes, drift, flaky cases."),
        "bisect": ("bisect:bisect", "Measure what made the difference between two records, or versions."),
    },
    "Run a hub": {
        "serve": ("serve:serve", "Run a hub: web pages and REST for models, claims and results."),
        "token": ("token:token", "Give out, list and revoke the tokens by which others write to it."),
        "hub": ("hub:hub", "Register and revoke the keys that its records are signed by."),
    },
    "Keep and share results": {
        "record": ("record:record", "List, show and move the runs that this machine has kept."),
        "push": ("push:push", "Send signed records to a hub."),
        "key": ("key:key", "Make and show the keys that records are signed with."),
    },
    "Publish": {
        "new": ("new:new", "Write a first manifest or claim: questions, and what a file says."),
        "lint": ("lint:lint", "Check claims and manifests without running them."),
        "hash": ("hash:hash", "Print an asset's checksum, size and listing."),
        "schema": ("listing:schema", "Print the JSON Schema of a kind of file."),
        "metrics": ("listing:metrics", "List the metrics, their units and options."),
        "checks": ("listing:checks", "List the checks, and their options."),
        "steps": ("listing:steps", "List the steps before and after a model."),
        "readers": ("listing:readers", "List the formats of data that can be read."),
        "scenarios": ("listing:scenarios", "List the load patterns of timed claims."),
        "mismatches": ("listing:mismatches", "List the mistakes that may explain a refuted figure."),
    },
    "Maintain this machine": {
        "doctor": ("doctor:doctor", "Say what is here, what could be, and what would get it."),
        "env": ("env:env", "List, build and remove the environments of frameworks."),
        "cache": ("cache:cache", "List, verify and prune the files that were fetched."),
        "completion": ("completion:completion", "Print what lets a shell complete commands and names."),
    },
}
COMMANDS: Final = dict(itertools.chain.from_iterable(section.items() for section in SECTIONS.values()))
EXIT_ERROR: Final = 2
EXIT_INTERRUPTED: Final = 130
_AS_JSON: Final = "pytest_mlmodelscope.as_json"


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
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f'no command is called "{name}": {did_you_mean(name, COMMANDS)}')
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names of commands from the table alone, which imports none of them; options as click does it."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        found = ((name, about) for name, (_, about) in COMMANDS.items() if name.startswith(incomplete))
        return [CompletionItem(name, help=about) for name, about in found]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The commands in the help, by what a person wants to do, from the table alone."""
        width = max(map(len, COMMANDS))
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), about) for name, (_, about) in section.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does it; whether errors are to be JSON is known before anything can be wrong."""
        ctx.meta[_AS_JSON] = "--json" in itertools.takewhile(lambda one: one != "--", args)
        ctx.color = forced()
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what a user did wrong ends as a message and exit code 2."""
        try:
            return super().invoke(ctx)
        except MlmsError as error:
            click.echo(_json_of(error) if ctx.meta[_AS_JSON] else f"error: {error}", err=True)
            ctx.exit(EXIT_ERROR)
        except click.ClickException as error:
            if not ctx.meta[_AS_JSON]:
                raise
            click.echo(_json_of(MlmsError(error.format_message()), "UsageError"), err=True)
            ctx.exit(EXIT_ERROR)
        except KeyboardInterrupt:
            click.echo("\ninterrupted", err=True)
            ctx.exit(EXIT_INTERRUPTED)


def _json_of(error: MlmsError, kind: str = "") -> str:
    """An error for programs, on one line."""
    import json

    told = {key: getattr(error, key) for key in ("what", "where", "expected", "got", "hint")}
    plain = {key: None if value is None else str(value) for key, value in told.items()}
    return json.dumps({"error": {"kind": kind or type(error).__name__, **plain}}, ensure_ascii=False)


_HELP: Final = """Published machine-learning claims as executable tests.

Models, claims and datasets are YAML files; those that come with the package and those of the folders
claims/ and manifests/ here are found by name. Each command has a --help with examples, and --json
for programs.

Exit codes: 0 all is well; 1 a gate failed, or nothing was found; 2 a mistake in what was asked for,
said on the standard error (as JSON with --json); 130 interrupted.
"""
_BEGIN: Final = """\
mlms tries models, and verifies what was published about them. To begin:

  mlms models                          what models there are
  mlms models picture                  those whose description says "picture"
  mlms show squeezenet-1.1             everything about one of them
  mlms predict squeezenet-1.1 cat.jpg  ask it about a picture
  mlms claims                          what was published, and where
  mlms verify CLAIM                    verify it; in a test suite, pytest --mlms does
  mlms new model FILE                  publish a model of your own
  mlms doctor                          what this machine can run, and what is missing

mlms --help lists all commands, mlms COMMAND --help says more of one.
"""


@click.command(
    cls=Commands, help=_HELP, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="pytest-mlmodelscope", prog_name="mlms")
@click.pass_context
def cli(context: click.Context) -> None:
    """The group of all commands."""
    if context.invoked_subcommand is None:
        click.echo(_BEGIN, nl=False)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no such character shows "?"
    cli(prog_name="mlms")

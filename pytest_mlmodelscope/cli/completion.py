"""``mlms completion``: what lets a shell complete commands, options and names."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

from pytest_mlmodelscope.cli.console import examples, json_option, tell
from pytest_mlmodelscope.core.errors import UsageError

_VARIABLE: Final = "_MLMS_COMPLETE"


@click.command(
    epilog=examples(
        'eval "$(mlms completion bash)"            # in ~/.bashrc',
        'eval "$(mlms completion zsh)"             # in ~/.zshrc',
        "mlms completion fish > ~/.config/fish/completions/mlms.fish",
    )
)
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
@json_option
def completion(shell: str, as_json: bool) -> None:
    """Print the lines that let SHELL complete commands, options, and the names of models, claims, datasets,
    frameworks and targets. SHELL is bash, zsh or fish.
    """
    from pytest_mlmodelscope.cli.main import cli

    found = get_completion_class(shell)
    if found is None:
        raise UsageError(f"this version of click completes nothing in {shell}")
    script = found(cli, {}, "mlms", _VARIABLE).source()
    tell({"shell": shell, "script": script}, [script], as_json)

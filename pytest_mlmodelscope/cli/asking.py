"""Questions with defaults: an option answers one before it is asked, `--yes` answers all with their defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from pytest_mlmodelscope.core.errors import UsageError


class Questions:
    """Asks on the standard error, so that what a command prints stays what it made."""

    def __init__(self, given: Mapping[str, Any], yes: bool) -> None:
        self._given, self._yes = given, yes

    def text(self, option: str, question: str, default: str | None = None) -> str:
        """A text; without a default an answer has to be given.

        Raises:
            UsageError: there is nobody to ask.
        """
        return str(self._answer(option, question, default, None))

    def choice(self, option: str, question: str, choices: Sequence[str], default: str) -> str:
        """One of a few words."""
        return str(self._answer(option, question, default, click.Choice(choices)))

    def number(self, option: str, question: str) -> float:
        """A number."""
        return float(self._answer(option, question, None, click.FLOAT))

    def agreed(self, option: str, question: str, default: bool) -> bool:
        """Yes or no."""
        return bool(self._answer(option, f"{question} (yes or no)", default, click.BOOL))

    def _answer(self, option: str, question: str, default: Any, kind: click.ParamType[Any] | None) -> Any:
        given = self._given.get(option)
        if given is not None:
            return given
        name = f"--{option.replace('_', '-')}"
        if self._yes:
            if default is None:
                raise UsageError(f"{name} is missing: {question}", hint="it has no default, so --yes cannot answer it")
            return default
        suffix = " " if question.endswith("?") and default is None else ": "
        try:
            return click.prompt(question, default=default, type=kind, err=True, prompt_suffix=suffix)
        except click.Abort as aborted:
            if isinstance(aborted.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            click.echo(err=True)  # the question stands in a line that nobody ended
            hint = "give the answers as options, and --yes for the rest"
            raise UsageError(f"{name} was not answered: {question}", hint=hint) from None

"""What the commands of ``mlms new`` share: their options, what every draft is asked, and where files come to lie."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from pytest_mlmodelscope.cli.asking import Questions
from pytest_mlmodelscope.cli.console import tell
from pytest_mlmodelscope.core.errors import UsageError, did_you_mean

_UNKNOWN: Final = "NOASSERTION"

yes_option = click.option("--yes", is_flag=True, help="Ask nothing: take the default where no option gives an answer.")
name_option = click.option(
    "--name", metavar="NAME", help="What it is called, and its file (default: as the file it is of)."
)
license_option = click.option("--license", metavar="SPDX", help="The license, as an SPDX expression.")
description_option = click.option("--description", metavar="TEXT", help="One or two sentences.")
version_option = click.option("--version", metavar="VERSION", help="Its version (default: 1).")
into_option = click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("manifests"),
    show_default=True,
    help="The folder of manifests.",
)


def named(ask: Questions, guess: str, option: str = "name") -> str:
    """A name that manifests admit; a guess is made to be one.

    Raises:
        UsageError: it is none.
    """
    tidy = re.sub(r"[^A-Za-z0-9._-]+", "-", guess).strip("-._") or "model"
    name = ask.text(option, "What is it called?", tidy[:100])
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}", name):
        raise UsageError(f'"{name}" is no name', expected="letters, digits, dots, dashes and underscores")
    return name


def common(ask: Questions, name: str, about: str) -> dict[str, Any]:
    """What is asked of models and datasets alike; ``about`` is the usual description."""
    return {
        "name": name,
        "version": ask.text("version", "Which version is it?", "1"),
        "license": ask.text("license", "Under which license (an SPDX expression)?", _UNKNOWN),
        "description": ask.text("description", "What is it, in one sentence?", about),
    }


def known(name: str, names: Sequence[str], kind: str) -> str:
    """The name itself.

    Raises:
        UsageError: it is none of them; offers the nearest.
    """
    if name not in names:
        raise UsageError(f'no {kind} is called "{name}"', hint=did_you_mean(name, names))
    return name


def inside(path: Path, folder: Path, name: str) -> Path:
    """The file or folder itself where a manifest in ``folder`` may name it, else a copy beside the manifest."""
    project = folder.resolve().parent.parent
    if path.resolve().is_relative_to(project) and path.resolve() != project:
        return path
    target = folder / name / path.resolve().name
    refuse_existing(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if path.is_dir() else shutil.copyfile)(path, target)
    return target


def refuse_existing(path: Path) -> None:
    """Refuse to write over anything.

    Raises:
        UsageError: there is something.
    """
    if path.exists():
        raise UsageError("is there already, and nothing is overwritten", where=path, hint="another --name or --id")


def told(path: Path, notes: Sequence[str], following: Sequence[str], as_json: bool) -> None:
    """Say which file was written, and what to type next."""
    lines = [f"wrote {path}", *(f"note: {note}" for note in notes), "next: " + "\n      ".join(following)]
    tell({"file": str(path), "notes": list(notes), "next": list(following)}, lines, as_json)

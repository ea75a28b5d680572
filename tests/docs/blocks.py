"""Reads the fenced blocks of a Markdown document and does what each of them says.

A line before a block may say how it is meant:

- ``<!-- fragment -->``: a part of a document, so only its syntax counts;
- ``<!-- file: PATH -->``: the block is written there first, for later commands;
- ``<!-- broken file: PATH -->``: the same, and nobody checks it;
- ``<!-- status: N -->``: the last command of the block ends with that status instead of 0;
- ``<!-- on the path: REASON -->``: nothing runs; the project's package is put on the path, with the
  metadata that an installer would write, for later commands;
- ``<!-- not run: REASON -->``.

A document that says ``<!-- project: empty -->`` starts from an empty folder, all others from a copy
of the project.
"""

from __future__ import annotations

import configparser
import difflib
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_mlmodelscope.core.document import parse_document
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.schema import check

MARK = re.compile(r"<!--\s*(fragment|file|broken file|status|on the path|not run)(?::\s*(.*?))?\s*-->\s*$")
PROJECT = re.compile(r"^<!--\s*project:\s*(.*?)\s*-->$", re.MULTILINE)
FENCE = re.compile(r"^(\s*)(```+|~~~+)\s*([\w+-]*)")
#: Languages that are only shown.
SHOWN = {"", "text", "markdown", "diff", "csv"}


@dataclass(frozen=True)
class Block:
    """One fenced block; ``line`` is that of its opening fence, ``mark`` of the comment before it."""

    path: Path
    line: int
    language: str
    text: str
    mark: str = ""
    about: str = ""


class BlockFailed(Exception):
    """A block is not what it says."""


def blocks(path: Path) -> Iterator[Block]:
    """Every fenced block of a document, in order.

    Raises:
        BlockFailed: a fence is never closed.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        fence = FENCE.match(lines[number])
        if fence is None:
            number += 1
            continue
        indent, ticks, language = fence.groups()
        end = next((n for n in range(number + 1, len(lines)) if lines[n].strip() == ticks), None)
        if end is None:
            raise BlockFailed(f"{path.name}:{number + 1}: the fence is never closed")
        text = "\n".join(line.removeprefix(indent) for line in lines[number + 1 : end])
        mark = MARK.search(_line_before(lines, number))
        kind, about = (mark.group(1), mark.group(2) or "") if mark else ("", "")
        yield Block(path, number + 1, language, text + "\n", kind, about)
        number = end + 1


def starts_empty(path: Path) -> bool:
    """Whether a document's commands run in an empty folder instead of a copy of the project.

    Raises:
        BlockFailed: it asks for a project of another kind.
    """
    match = PROJECT.search(path.read_text(encoding="utf-8"))
    if match and match[1] not in {"empty", "checkout"}:
        raise BlockFailed(f'{path.name}: a project is "empty" or "checkout", not "{match[1]}"')
    return match is not None and match[1] == "empty"


def _line_before(lines: list[str], number: int) -> str:
    """The nearest line above that is not blank."""
    return next((line for line in reversed(lines[:number]) if line.strip()), "")


def failures(path: Path, folder: Path) -> list[str]:
    """What is wrong with a document's blocks, each with its line; commands run in ``folder``."""
    found = []
    for block in blocks(path):
        try:
            perform(block, folder)
        except BlockFailed as failure:
            found.append(f"{path.name}:{block.line}: {failure}")
    return found


def perform(block: Block, folder: Path) -> None:
    """Does what one block says.

    Raises:
        BlockFailed: it is not so.
    """
    if block.mark == "not run":
        if not block.about:
            raise BlockFailed("says not why it is not run")
        return
    if block.mark == "on the path":
        _write_metadata(folder)
        return
    if block.mark in {"file", "broken file"}:
        target = folder / block.about
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.text, encoding="utf-8")
    if block.language not in SHOWN and block.mark != "broken file":
        if block.language not in LANGUAGES:
            raise BlockFailed(f'nothing checks "{block.language}": one of {", ".join(sorted(LANGUAGES))}, or text')
        LANGUAGES[block.language](block, folder)


def _write_metadata(folder: Path) -> None:
    """What an installer leaves of a project in ``folder``: its name, its version, its entry points."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = folder / f"{project['name']}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in members.items())
        for group, members in project["entry-points"].items()
    ]
    (metadata / "entry_points.txt").write_text("\n".join(groups))


def _yaml(block: Block, folder: Path) -> None:
    try:
        document = parse_document(block.text, block.path)
        kind = str(document.data.get("schema", "")) if isinstance(document.data, dict) else ""
        if kind:
            check(document, kind.partition("/")[0])
        elif block.mark != "fragment":
            raise BlockFailed("has no `schema:` and is not marked <!-- fragment -->")
    except KeyError:
        raise BlockFailed(f'there is no schema called "{kind}"') from None
    except MlmsError as error:
        raise BlockFailed(str(error)) from None


def _toml(block: Block, folder: Path) -> None:
    try:
        tomllib.loads(block.text)
    except tomllib.TOMLDecodeError as error:
        raise BlockFailed(str(error)) from None


def _ini(block: Block, folder: Path) -> None:
    try:
        configparser.ConfigParser(interpolation=None).read_string(block.text)
    except configparser.Error as error:
        raise BlockFailed(str(error)) from None


def _json(block: Block, folder: Path) -> None:
    try:
        json.loads(block.text)
    except ValueError as error:
        raise BlockFailed(str(error)) from None


def _python(block: Block, folder: Path) -> None:
    _ran([sys.executable, "-c", block.text], folder)


def _console(block: Block, folder: Path) -> None:
    found = commands(block.text)
    status = int(block.about) if block.mark == "status" else 0
    for number, (command, expected) in enumerate(found, 1):
        printed = _ran(["sh", "-c", command], folder, status if number == len(found) else 0)
        if expected and not matches(expected, printed):
            lines = difflib.unified_diff(
                expected.splitlines(), printed.splitlines(), "documented", "printed", "", "", 2
            )
            raise BlockFailed(f"`{command}` prints something else:\n" + "\n".join(lines))


LANGUAGES: dict[str, Callable[[Block, Path], None]] = {
    "yaml": _yaml,
    "toml": _toml,
    "ini": _ini,
    "json": _json,
    "python": _python,
    "console": _console,
    "bash": _console,
    "sh": _console,
}


def commands(text: str) -> list[tuple[str, str]]:
    """The commands of a block (lines that begin with ``$``) and what each is said to print.

    Raises:
        BlockFailed: there is none.
    """
    found: list[tuple[str, str]] = []
    continued = False
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif not found:
            raise BlockFailed(f"{shlex.quote(line)} stands before the first command: begin commands with `$ `")
        elif continued:
            found[-1] = (f"{found[-1][0]}\n{line}", "")
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
        continued = line.endswith("\\") and not found[-1][1]
    return found


def matches(expected: str, printed: str) -> bool:
    """Whether a text is the one expected, where ``...`` stands for anything, also for lines.

    One piece after another is looked for: a single pattern of all of them takes for ever where one is not there.
    """
    first, *others = map(_pattern, expected.strip().split("..."))
    stripped = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    if not others:
        return re.fullmatch(first, stripped) is not None
    found = re.match(first, stripped)
    for pattern in (*others[:-1], rf"{others[-1]}\Z"):
        if found is None:
            return False
        found = re.compile(pattern).search(stripped, found.end())
    return found is not None


def _pattern(piece: str) -> str:
    """Text between two ``...``: as many blanks as there are, of which those at its ends may belong to what it parts."""
    blanks = re.sub(r"(\\ )+", r"[ ]+", re.escape(piece))
    return re.sub(r"^\[ \]\+|\[ \]\+$", "[ ]", blanks)


def _ran(command: list[str], folder: Path, status: int = 0) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = dict(os.environ)
    if list(folder.glob("*.dist-info")):
        environment["PYTHONPATH"] = str(folder)
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment, "PATH": path, "COLUMNS": "120", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    if done.returncode != status:
        tail = "\n".join(f"  | {line}" for line in done.stdout.splitlines()[-15:])
        raise BlockFailed(f"`{command[-1].strip()}` ended with status {done.returncode}\n{tail}")
    return done.stdout

"""What the terminal takes: its width, and whether colour and moving lines are wanted."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO


def columns() -> int:
    """The width of the terminal; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def colour(stream: TextIO | None = None) -> bool:
    """Whether to write colour to a stream (default: the standard output).

    ``NO_COLOR`` (https://no-color.org) forbids it, ``FORCE_COLOR`` wants it also where nobody looks; either counts
    when it is not empty.
    """
    told = forced()
    return _terminal(stream or sys.stdout) if told is None else told


def forced() -> bool | None:
    """What the environment says of colour; None where it leaves that to the terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return False if os.environ.get("TERM") == "dumb" else None


def moves(stream: TextIO | None = None) -> bool:
    """Whether a line that moves can be drawn on a stream (default: the standard error)."""
    return _terminal(stream or sys.stderr) and os.environ.get("TERM") != "dumb"


def _terminal(stream: TextIO) -> bool:
    return stream.isatty()


def examples(*lines: str) -> str:
    """The end of a command's help: calls that a reader can copy."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)

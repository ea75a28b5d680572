"""What an environment does once, when everything is installed: its workers could do it, but each of them again."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pytest_mlmodelscope.agent.install import InstallError, interpreter


def prepare(folder: Path, lines: Iterable[str], variables: Mapping[str, str], tell: Callable[[], None]) -> None:
    """Run lines of Python in an environment, each in a process of its own.

    Raises:
        InstallError: one fails; the last that it said.
    """
    for line in lines:
        tell()
        with tempfile.TemporaryDirectory(prefix="mlms-prepare-") as scratch:
            seen = {"PATH": os.environ.get("PATH", ""), **variables, "HOME": scratch, "TMPDIR": scratch}
            done = subprocess.run(  # noqa: S603  # a line of a framework's file
                [str(interpreter(folder)), "-I", "-c", line],
                capture_output=True,
                text=True,
                errors="replace",
                env=seen,
                cwd=scratch,
                check=False,
            )
        if done.returncode:
            said = "\n".join(done.stderr.splitlines()[-4:]) or f"it ended with {done.returncode}"
            raise InstallError(f"the environment cannot be prepared with `{line}`: {said}")

"""Python run inside an environment while it is built: what it does once, and whether its framework can be imported."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from pytest_mlmodelscope.agent.install import InstallError, interpreter


def prepare(folder: Path, lines: Iterable[str], variables: Mapping[str, str], tell: Callable[[], None]) -> None:
    """Run lines of Python in an environment, each in a process of its own: workers could, but each of them again.

    Raises:
        InstallError: one fails; the last that it said.
    """
    for line in lines:
        tell()
        try:
            run_inside(folder, line, variables)
        except InstallError as error:
            raise InstallError(f"the environment cannot be prepared with `{line}`: {error}") from None


def run_inside(
    folder: Path, code: str, variables: Mapping[str, str], arguments: Sequence[str] = (), launcher: Sequence[str] = ()
) -> None:
    """Run code in an environment, as a worker would: with a home of its own that is gone afterwards.

    Raises:
        InstallError: it fails; the last that it said.
    """
    with tempfile.TemporaryDirectory(prefix="mlms-inside-") as scratch:
        seen = {"PATH": os.environ.get("PATH", ""), "CI": "true", **variables, "HOME": scratch, "TMPDIR": scratch}
        try:
            done = subprocess.run(  # our own code, or a line of a framework's file
                [*launcher, str(interpreter(folder)), "-I", "-c", code, *arguments],
                capture_output=True,
                text=True,
                errors="replace",
                env=seen,
                cwd=scratch,
                check=False,
            )
        except OSError as error:
            raise InstallError(str(error)) from None
    if done.returncode:
        raise InstallError("\n".join(done.stderr.splitlines()[-4:]) or f"it ended with {done.returncode}")

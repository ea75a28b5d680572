"""A C compiler: this machine's own, else one that comes as a Python package and is not kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.agent.install import InstallError, Plan, install, interpreter

#: Names of compilers, the best first.
COMPILERS: Final = ("cc", "gcc", "clang")
_PACKAGE: Final = "ziglang==0.16.0"
#: For a library that needs no other, so that no header and no library of the system has to be here.
_OPTIONS: Final = ("-shared", "-fPIC", "-O2", "-ffreestanding", "-nostdlib")
_SECONDS: Final = 300


def compile_library(
    source: Path, made: Path, definitions: Sequence[str], progress: Callable[[str], None], offline: bool = False
) -> None:
    """Make a shared library of one file of C, which uses nothing but what its host program has.

    Raises:
        InstallError: there is no compiler, and none can be had; or it refuses the file.
    """
    words = [*_OPTIONS, *definitions, "-o", str(made), str(source)]
    for name in filter(shutil.which, COMPILERS):
        if _run([name, *words], os.environ).returncode == 0:
            return
    with tempfile.TemporaryDirectory(prefix="mlms-compiler-") as scratch:
        folder = Path(scratch) / "compiler"
        progress("installing a C compiler for a moment")
        try:
            install(Plan(folder, sys.executable, [_PACKAGE], offline=offline))
        except InstallError as error:
            hint = "install a C compiler, such as Debian's gcc"
            raise InstallError(f"there is no C compiler ({error.reason}); {hint}") from None
        kept = {name: str(Path(scratch) / "kept") for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
        done = _run([str(interpreter(folder)), "-m", "ziglang", "cc", *words], {**os.environ, **kept})
    if done.returncode:
        raise InstallError(f"{source.name} cannot be compiled: {done.stderr.strip()[-300:]}")


def _run(command: Sequence[str], variables: os._Environ[str] | dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # a compiler, with a file of our own
        command, capture_output=True, text=True, errors="replace", env=variables, timeout=_SECONDS, check=False
    )

"""Make a virtual environment and install packages in it: with uv, or with pip where uv does not run."""

from __future__ import annotations

import configparser
import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SECONDS: Final = 3600
_LINES: Final = 8
#: Variables that point an installer at another environment than the one it is to fill.
_MISLEADING: Final = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER")


class InstallError(Exception):
    """An installer failed; the text is the last that it said."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is installed where. ``python`` is an interpreter's path, or a version for uv to find.

    ``lock`` is a file of pins with hashes that is installed instead of ``requirements``;
    ``packages`` come after either, and leave the pins as they are.
    """

    folder: Path
    python: str
    requirements: Sequence[str]
    packages: Sequence[str] = ()
    lock: Path | None = None
    torch_backend: str | None = None
    offline: bool = False


def install(plan: Plan) -> None:
    """Make the environment and fill it.

    Raises:
        InstallError: with the last lines of the installer.
    """
    if (uv := _uv()) is not None:
        _install_with_uv(uv, plan)
    elif plan.torch_backend is not None:
        raise InstallError("uv does not run here, and pip cannot choose a build of PyTorch")
    else:
        _install_with_pip(plan)


def interpreter(folder: Path) -> Path:
    """The Python of a virtual environment."""
    return folder / "bin" / "python"


@functools.cache
def _uv() -> str | None:
    """The uv that came with this package, or another one; None where none runs."""
    try:
        from uv import find_uv_bin

        found: str | None = find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        return None
    try:
        subprocess.run([found, "--version"], capture_output=True, check=True, timeout=60)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return found


def _install_with_uv(uv: str, plan: Plan) -> None:
    offline = ["--offline"] if plan.offline else []
    backend = [f"--torch-backend={plan.torch_backend}"] if plan.torch_backend else []
    python = str(interpreter(plan.folder))
    variables = {**_variables(), **_settings_of_pip()}
    _run([uv, "venv", "--quiet", *offline, "--python", plan.python, str(plan.folder)], variables, plan)
    for what in _what(plan):
        _run([uv, "pip", "install", *offline, *backend, "--python", python, *what], variables, plan)


def _install_with_pip(plan: Plan) -> None:
    python = plan.python if Path(plan.python).is_absolute() else sys.executable
    offline = ["--no-index"] if plan.offline else []
    _run([python, "-m", "venv", str(plan.folder)], _variables(), plan)
    for what in _what(plan):
        _run([str(interpreter(plan.folder)), "-m", "pip", "install", *offline, *what], _variables(), plan)


def _what(plan: Plan) -> Iterator[list[str]]:
    """The arguments of each call of the installer."""
    if plan.lock is None:
        yield [*plan.requirements, *plan.packages]
        return
    # It is complete, so that it can leave out what a package names and never needs here.
    yield ["--no-deps", "--require-hashes", "-r", str(plan.lock)]
    if plan.packages:
        # Constraints must not have hashes, or all that is installed would need one.
        pins = plan.folder / "pins.txt"
        pins.write_text(
            re.sub(r"\\?\n\s+--hash=\S+( \\)?", "", plan.lock.read_text(encoding="utf-8")), encoding="utf-8"
        )
        yield ["-c", str(pins), *plan.packages]


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _MISLEADING}


def _run(command: list[str], variables: dict[str, str], plan: Plan) -> None:
    plan.folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(  # noqa: S603  # an installer, with requirements of a framework's file
            command,
            capture_output=True,
            text=True,
            errors="replace",
            env=variables,
            cwd=plan.folder.parent,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(str(error)) from None
    if done.returncode:
        said = [line for line in (done.stdout + "\n" + done.stderr).splitlines() if line.strip()]
        raise InstallError("\n".join(said[-_LINES:]) or f"{command[0]} ended with {done.returncode}")


def _settings_of_pip() -> dict[str, str]:
    """The settings of pip on where packages come from, as uv reads them; uv's own have precedence."""
    names = ("find-links", "index-url", "extra-index-url", "cert")
    links, index, extra, cert = (_setting_of_pip(name) for name in names)
    found = {
        "UV_FIND_LINKS": ",".join(links.split()),
        "UV_DEFAULT_INDEX": index,
        "UV_EXTRA_INDEX_URL": extra,
        # pip takes the best version of all indexes; uv would stop at the first that has the name.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if extra else "",
        "SSL_CERT_FILE": cert,
    }
    return {name: value for name, value in found.items() if value and name not in os.environ}


def _setting_of_pip(name: str) -> str:
    variable = "PIP_" + name.upper().replace("-", "_")
    if variable in os.environ:
        return os.environ[variable].strip()
    for section in ("install", "global"):
        for file in reversed(_files_of_pip()):
            if file.has_option(section, name):
                return " ".join(file.get(section, name).split())
    return ""


@functools.cache
def _files_of_pip() -> tuple[configparser.RawConfigParser, ...]:
    """The configuration files of pip, the ones that override others last."""
    return tuple(_parsed(path) for path in _paths_of_pip() if path.is_file())


def _paths_of_pip() -> Iterator[Path]:
    own = os.environ.get("PIP_CONFIG_FILE")
    if own == os.devnull:
        return
    for folder in os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":"):
        yield Path(folder) / "pip" / "pip.conf"
    yield Path("/etc/pip.conf")
    yield Path.home() / ".pip" / "pip.conf"
    yield Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config")) / "pip" / "pip.conf"
    yield Path(sys.prefix) / "pip.conf"
    if own:
        yield Path(own)


def _parsed(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        raise InstallError(f"{path}: {error}") from None
    return parser

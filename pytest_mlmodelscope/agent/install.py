"""Make a virtual environment and install packages in it: with uv, or with pip where uv does not run."""

from __future__ import annotations

import configparser
import functools
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.agent.interpreters import find_uv

_SECONDS: Final = 3600
#: The pip that comes with Python 3.6 cannot read the metadata of today.
_PIP: Final = ('pip==21.3.1; python_version < "3.7"',)
_LINES: Final = 8
_SHOW_SECONDS: Final = 10.0
_KINDS: Final = {
    "disk": re.compile(r"No space left on device|Disk quota exceeded"),
    "network": re.compile(r"Failed to (fetch|download)|Could not connect|NewConnectionError|error sending request"),
    "missing": re.compile(r"no version of|is available and|not found in the package registry|No matching distribution"),
}
#: uv: "Because ... and you require ..., we can conclude"; pip: "ERROR: No matching distribution found for ...".
_REASON: Final = re.compile(r"(?:Because |ERROR: (?=No matching))(.+?)(?: and you require.*)?$")
#: Variables that point an installer at another environment than the one it is to fill.
_MISLEADING: Final = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER")


class InstallError(Exception):
    """An installer failed; the text is the last that it said.

    ``kind`` is *missing* (no registry has what is asked for), *network*, *disk* (it is full) or *other*.
    """

    @property
    def kind(self) -> str:
        """What this is about, as far as the text tells."""
        return next((kind for kind, signs in _KINDS.items() if signs.search(str(self))), "other")

    @property
    def reason(self) -> str:
        """The part of the text that says why, on one line."""
        found = _REASON.search(" ".join(str(self).split()))
        return found[1] if found else str(self).splitlines()[-1]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is installed where. ``python`` is an interpreter's path, or a version for uv to find.

    ``lock`` is a file of pins with hashes that is installed instead of ``requirements``;
    ``packages`` come after either, and leave the pins as they are. ``held`` is a descriptor that the
    installer inherits.
    """

    folder: Path
    python: str
    requirements: Sequence[str]
    packages: Sequence[str] = ()
    lock: Path | None = None
    torch_backend: str | None = None
    offline: bool = False
    held: int | None = None


def install(plan: Plan, tick: Callable[[float], None] = lambda seconds: None) -> None:
    """Make the environment and fill it; ``tick`` is called now and then with the seconds so far.

    Raises:
        InstallError: with the last lines of the installer.
    """
    if (uv := find_uv()) is not None:
        _install_with_uv(uv, plan, _Clock(tick))
    elif plan.torch_backend is not None:
        raise InstallError("uv does not run here, and pip cannot choose a build of PyTorch")
    else:
        _install_with_pip(plan, _Clock(tick))


@dataclass(frozen=True, slots=True)
class Foreign:
    """The kind of machine that packages are for, which need not be this one: the version of its Python
    (``3.12``), and its platform as uv calls it (``aarch64-manylinux_2_31``).
    """

    version: str
    platform: str


def install_for(plan: Plan, kind: Foreign, tick: Callable[[float], None] = lambda seconds: None) -> Path:
    """Put the packages, of which nothing runs here, into a ``site-packages`` in the plan's folder; where that is.

    Raises:
        InstallError: with the last lines of the installer; also where uv does not run.
    """
    if (uv := find_uv()) is None:
        raise InstallError("uv does not run here, which installs for other machines")
    place = plan.folder / "lib" / f"python{kind.version}" / "site-packages"
    place.mkdir(parents=True)
    foreign = ["--target", str(place), "--python-version", kind.version, "--python-platform", kind.platform]
    command = [uv, "pip", "install", *_switches(plan), *foreign, "--only-binary", ":all:", "--python", sys.executable]
    for what in _what(plan):
        _run([*command, *what], {**_variables(), **_settings_of_pip()}, plan, _Clock(tick))
    (place / ".lock").unlink(missing_ok=True)
    return place


def interpreter(folder: Path) -> Path:
    """The Python of an environment."""
    return folder / "bin" / "python"


def _install_with_uv(uv: str, plan: Plan, clock: _Clock) -> None:
    offline = ["--offline"] if plan.offline else []
    # Of interpreters that can be downloaded; those that are here were looked for already.
    managed = [] if Path(plan.python).is_absolute() else ["--managed-python"]
    python = str(interpreter(plan.folder))
    variables = {**_variables(), **_settings_of_pip()}
    _run([uv, "venv", "--quiet", *offline, *managed, "--python", plan.python, str(plan.folder)], variables, plan, clock)
    for what in _what(plan):
        _run([uv, "pip", "install", *_switches(plan), "--python", python, *what], variables, plan, clock)


def _switches(plan: Plan) -> list[str]:
    backend = [f"--torch-backend={plan.torch_backend}"] if plan.torch_backend else []
    return [*(["--offline"] if plan.offline else []), *backend]


def _install_with_pip(plan: Plan, clock: _Clock) -> None:
    if not Path(plan.python).is_absolute():
        raise InstallError("uv does not run here, and pip cannot fetch an interpreter")
    offline = ["--no-index"] if plan.offline else []
    pip = [str(interpreter(plan.folder)), "-m", "pip", "install", *offline]
    _run([plan.python, "-m", "venv", str(plan.folder)], _variables(), plan, clock)
    if not plan.offline:
        _run([*pip, *_PIP], _variables(), plan, clock)
    for what in _what(plan):
        _run([*pip, *what], _variables(), plan, clock)


def _what(plan: Plan) -> Iterator[list[str]]:
    """The arguments of each call of the installer."""
    if plan.lock is None:
        if plan.requirements or plan.packages:
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


class _Clock:
    """Tells how long an installation takes so far."""

    def __init__(self, tick: Callable[[float], None]) -> None:
        self._tick = tick
        self._started = time.monotonic()

    def show(self) -> None:
        """Tell it, or give up where it takes too long."""
        seconds = time.monotonic() - self._started
        if seconds > _SECONDS:
            raise InstallError(f"the installer was ended after {seconds:.0f} s")
        self._tick(seconds)


def _run(command: list[str], variables: dict[str, str], plan: Plan, clock: _Clock) -> None:
    plan.folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        process = subprocess.Popen(  # an installer, with requirements of a framework's file
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=variables,
            cwd=plan.folder.parent,
            pass_fds=() if plan.held is None else (plan.held,),
        )
    except OSError as error:
        raise InstallError(str(error)) from None
    with process:
        try:
            said = _waited(process, clock)
        except BaseException:  # an interruption ends the installer too
            process.kill()
            raise
    if process.returncode:
        last = [line for line in said.splitlines() if line.strip()][-_LINES:]
        raise InstallError("\n".join(last) or f"{command[0]} ended with {process.returncode}")


def _waited(process: subprocess.Popen[str], clock: _Clock) -> str:
    while True:
        try:
            return process.communicate(timeout=_SHOW_SECONDS)[0]
        except subprocess.TimeoutExpired:
            clock.show()


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

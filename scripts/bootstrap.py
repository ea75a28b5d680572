"""An environment in .venv that holds this project's built wheel, on a machine with git and Python.

``./scripts/verify`` and ``./scripts/test`` share it. Nothing outside the checkout is changed, and a
second run changes nothing at all while pyproject.toml, constraints.txt and the package are the same.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from installers import WAYS, Installer, Pip, Setup, StepFailed, Uv

ROOT = Path(__file__).resolve().parent.parent
#: pip's settings that uv needs too, under uv's names: uv never reads pip's files.
SETTINGS = {"find-links": "UV_FIND_LINKS", "index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}
#: What a change passes before its tests run.
LINTERS = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",), ("lint-imports",))
ADVICE = """  try one of these, then run this again:
    apt-get install python3-venv      (as root, on Debian and its kin)
    python3 -m pip install uv         (where pip is allowed to install)"""


def ensure(groups: Sequence[str] = (), root: Path = ROOT, python: str = sys.executable) -> Setup:
    """The environment, made or brought up to date where that is needed.

    Raises:
        SystemExit: it could not be made; the message says what was tried and what to type.
    """
    setup = Setup(root, python)
    with _alone(setup):
        stamp = _stamp(setup)
        wanted = {"inputs": inputs(setup), "groups": sorted({*groups, *stamp.get("groups", ())})}
        setup.settings = stamp.get("settings", {})
        if {key: stamp.get(key) for key in wanted} != wanted:
            try:
                _bring_up(setup, wanted)
            except StepFailed as failure:
                sys.exit(_told(setup, failure))
    return setup


def inputs(setup: Setup) -> str:
    """A digest of all that the environment is made from."""
    digest = hashlib.sha256()
    for path in _files(setup):
        digest.update(f"\0{path.relative_to(setup.root)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(setup: Setup) -> Iterator[Path]:
    """Every file that the wheel or the choice of its dependencies rests on."""
    wheel = setup.project["tool"]["hatch"]["build"]["targets"]["wheel"]
    project = setup.project["project"]
    named = ["pyproject.toml", "constraints.txt", project["readme"], *project["license-files"]]
    for name in (*named, *wheel["packages"], *wheel.get("force-include", ())):
        path = setup.root / name
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)


def _bring_up(setup: Setup, wanted: dict[str, Any]) -> None:
    stamp = setup.venv / "stamp.json"
    if stamp.exists() and setup.works():
        stamp.unlink()
        installers: list[Installer] = [Uv(setup, setup.venv / "bin" / "uv")]
    else:
        installers = _make(setup)
    _install(setup, installers, setup.requirements(wanted["groups"]))
    stamp.write_text(json.dumps({**wanted, "settings": setup.settings}), encoding="utf-8")
    setup.tell("the environment is ready")


def _make(setup: Setup) -> list[Installer]:
    """A new .venv with uv in it, by the first way that works; the installers to use, best first."""
    setup.tell("making .venv")
    tried = []
    for way in WAYS:
        try:
            setup.clear()
            first = way(setup)
            setup.settings = settings(setup, first)
            first.install("uv")
        except StepFailed as failure:
            tried.append(f"  {way.__name__}: {failure.what}" + "".join(f"\n    | {line}" for line in failure.tail[-3:]))
        else:
            setup.tell(f"made .venv. {way.__doc__}")
            return [Uv(setup, setup.venv / "bin" / "uv"), first]
    raise StepFailed("no way to make an environment worked here:\n" + "\n".join(tried) + f"\n{ADVICE}")


def settings(setup: Setup, first: Installer) -> dict[str, str]:
    """What pip is configured with on this machine, as variables of uv; by its variables where there is no pip."""
    host = (setup.host_python, "-m", "pip")
    try:
        listed = setup.run([*(first.command if isinstance(first, Pip) else host), "config", "list"])
    except StepFailed:
        found = {key: os.environ[_variable(key)] for key in SETTINGS if _variable(key) in os.environ}
    else:
        pairs = (line.partition("=") for line in listed.splitlines())
        found = {key.rpartition(".")[2]: value.strip("'\"") for key, _, value in pairs}
    # pip parts several places by blanks or lines, uv by commas.
    return {name: ",".join(found[key].replace("\\n", " ").split()) for key, name in SETTINGS.items() if key in found}


def _variable(key: str) -> str:
    return f"PIP_{key.replace('-', '_').upper()}"


def _install(setup: Setup, installers: Sequence[Installer], requirements: Sequence[str]) -> None:
    """The wheel, built now, with its pinned dependencies, by the first installer that manages."""
    wheels = setup.venv / "wheel"
    for installer in installers:
        shutil.rmtree(wheels, ignore_errors=True)
        try:
            setup.tell("building the wheel")
            installer.build(wheels)
            setup.tell("installing it and the pinned packages that it needs")
            installer.install(*sorted(wheels.glob("*.whl")), *requirements)
        except StepFailed as failure:
            setup.tell(f"{type(installer).__name__} did not manage")
            last = failure
        else:
            return
    raise last


@contextmanager
def _alone(setup: Setup) -> Iterator[None]:
    """Two scripts that start at once set up one after the other."""
    folder = os.open(setup.root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            setup.tell("waiting: another run is setting up .venv")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _stamp(setup: Setup) -> dict[str, Any]:
    """What the last complete set-up wrote; nothing where its Python is gone since."""
    if not setup.python.exists():
        return {}
    try:
        found: dict[str, Any] = json.loads((setup.venv / "stamp.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _told(setup: Setup, failure: StepFailed) -> str:
    lines = [f"set-up failed: {failure.what}", *(f"  | {line}" for line in failure.tail)]
    if setup.log.exists():
        lines.append(f"  everything that was printed: {setup.log}")
    return "\n".join([*lines, "  try: the same command again once that is mended, or rm -r .venv to start afresh"])


def check(setup: Setup, commands: Sequence[Sequence[str]]) -> None:
    """Runs each command in the environment and lets it print.

    Raises:
        SystemExit: one of them failed; the others have run all the same.
    """
    failed = []
    for command in commands:
        setup.tell(" ".join(command))
        program = setup.venv / "bin" / command[0]
        status = subprocess.call([str(program), *command[1:]], cwd=setup.root, env=setup.environ())
        if status != 0:
            failed.append(" ".join(command))
    if failed:
        sys.exit(f"failed: {', '.join(failed)}\n  try: .venv/bin/ruff format . && .venv/bin/ruff check --fix .")


def become(setup: Setup, command: Sequence[str]) -> None:
    """Goes on as a program of the environment, in the checkout; does not return."""
    os.chdir(setup.root)
    program = str(setup.venv / "bin" / command[0])
    os.execve(program, [program, *command[1:]], setup.environ())

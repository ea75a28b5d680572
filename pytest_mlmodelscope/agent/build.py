"""Build an environment in its folder: interpreter, packages, system libraries, pruning, and a first import."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement

from pytest_mlmodelscope.agent import installed, root
from pytest_mlmodelscope.agent.archive import archive
from pytest_mlmodelscope.agent.install import InstallError, Plan, install, install_for, interpreter
from pytest_mlmodelscope.agent.interpreters import fitting, how_to_get
from pytest_mlmodelscope.agent.libraries import provide
from pytest_mlmodelscope.agent.prepare import prepare, run_inside
from pytest_mlmodelscope.agent.versions import PLACE
from pytest_mlmodelscope.agent.wish import Wish
from pytest_mlmodelscope.core.emulated import PYTHON, RELEASE
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable
from pytest_mlmodelscope.core.framework import Attempt

_CHECK: Final = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
importlib.import_module("pytest_mlmodelscope.frameworks." + sys.argv[2] + ".predictor")
"""


@dataclass(frozen=True, slots=True)
class Job:
    """What is built where. ``held`` is a descriptor of the lock on ``folder``, which an installer
    holds as well: it may outlive this process.
    """

    wish: Wish
    folder: Path
    offline: bool
    progress: Callable[[str], None]
    held: int | None = None


def build(job: Job) -> dict[str, Any]:
    """Make the folder the environment that is wished for; what is to be known of it.

    Raises:
        EnvironmentUnavailable: no interpreter fits, or nothing could be installed; nothing is left.
    """
    job.progress(f"building the environment of {job.wish.title}")
    failures: list[tuple[str, InstallError]] = []
    for python, attempt in _tries(job.wish, failures):
        try:
            return _attempt(job, python, attempt)
        except InstallError as error:
            shutil.rmtree(job.folder, ignore_errors=True)
            failures.append((python, error))
        except BaseException:  # nor does an interruption leave half an environment
            shutil.rmtree(job.folder, ignore_errors=True)
            raise
    raise unavailable(job.wish, failures, job.offline)


def check(folder: Path, framework: str, variables: Mapping[str, str], platform: str | None = None) -> None:
    """Import the framework's predictor, as a worker does; ``platform`` is that of an emulated machine.

    Raises:
        InstallError: that fails; the last that it said.
    """
    with tempfile.TemporaryDirectory(prefix="mlms-check-") as scratch:
        code = Path(scratch) / "worker.zip"
        code.write_bytes(archive(framework))
        words = root.launcher(folder, platform) if platform else ()
        run_inside(folder, _CHECK, variables, [str(code), framework], words)


def _tries(wish: Wish, failures: list[tuple[str, InstallError]]) -> Iterator[tuple[str, Attempt]]:
    spec = wish.spec
    if spec.emulated:
        # It brings its own Python.
        yield from ((f"Debian {RELEASE}", attempt) for attempt in spec.attempts)
        return
    # Where no interpreter fits, uv may have one that it can download.
    for python in [str(found.path) for found in fitting(spec.python)] or [spec.python]:
        yield from ((python, attempt) for attempt in spec.attempts)
        if any(error.kind in ("network", "disk") for _, error in failures):
            return  # another interpreter would not help


def _attempt(job: Job, python: str, attempt: Attempt) -> dict[str, Any]:
    started = time.monotonic()
    wish, folder = job.wish, job.folder
    shutil.rmtree(folder, ignore_errors=True)
    fill = _fill_emulated if wish.spec.emulated else _fill
    more, freed = fill(job, python, attempt)
    variables = installed.variables(folder, wish.spec)
    prepare(folder, wish.spec.prepare, variables, lambda: job.progress(f"preparing the environment of {wish.title}"))
    job.progress(f"checking the environment of {wish.title}")
    check(folder, wish.framework, variables, more.get("emulated"))
    packages = installed.packages(folder)
    return {
        "framework": wish.framework,
        "version": version_of(wish, packages),
        "python": os.fspath(interpreter(folder).resolve()),
        **more,
        "requirements": [*wish.requirements(attempt), *wish.packages],
        "packages": packages,
        "variables": variables,
        # What was pruned, and what some makers of wheels wrote down wrongly.
        "amiss": [path for path, _ in installed.damage(folder)],
        "pruned_bytes": freed,
        "bytes": installed.size(folder),
        "seconds": round(time.monotonic() - started, 1),
    }


def _fill(job: Job, python: str, attempt: Attempt) -> tuple[dict[str, Any], int]:
    """Install everything; what more is to be known of it, and the bytes that were pruned."""
    install(_plan(job, python, attempt), _tick(job))
    provide(job.wish.spec.libraries, job.folder, job.progress, job.offline)
    freed = installed.prune(job.folder, job.wish.spec.prune)
    return {"python_version": _python_version(job.folder)}, freed


def _fill_emulated(job: Job, _: str, attempt: Attempt) -> tuple[dict[str, Any], int]:
    """The same of a machine that is emulated, with the versions of all packages that it consists of."""
    wish, folder = job.wish, job.folder
    plan = _plan(job, PYTHON, attempt)
    packages = root.unpack(wish.spec.debian, wish.platform, folder, job.progress, job.offline)
    root.link_modules(folder, install_for(plan, root.kind(wish.platform), _tick(job)))
    freed = installed.prune(folder, wish.spec.prune) + sum(map(installed.delete, root.not_needed(folder)))
    root.compile_modules(folder, wish.platform, installed.variables(folder, wish.spec))
    python = packages[f"python{PYTHON}"].partition("-")[0]
    debian = {"release": RELEASE, "packages": packages}
    return {"python_version": python, "emulated": wish.platform, "debian": debian}, freed


def _plan(job: Job, python: str, attempt: Attempt) -> Plan:
    wish, requirements = job.wish, job.wish.requirements(attempt)
    return Plan(
        job.folder, python, requirements, wish.packages, wish.lock, attempt.torch_backend, job.offline, job.held
    )


def _tick(job: Job) -> Callable[[float], None]:
    title = f"building the environment of {job.wish.title}"
    return lambda seconds: job.progress(f"{title}: installing ({seconds:.0f} s)")


def version_of(wish: Wish, packages: Mapping[str, str]) -> str:
    """The framework's version; where another than the listed one was asked for, what was installed."""
    if wish.asked is None:
        return wish.spec.version
    names = [Requirement(text.replace(PLACE, "")).name for text in wish.spec.requirements if PLACE in text]
    found = installed.version(names[0] if names else wish.framework, packages)
    return found or wish.asked.removeprefix("==")


def _python_version(folder: Path) -> str:
    """The version of an environment's Python, as its configuration tells it."""
    lines = (folder / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    settings = dict(line.partition(" = ")[::2] for line in lines)
    return settings.get("version_info") or settings.get("version", "")


def unavailable(wish: Wish, failures: list[tuple[str, InstallError]], offline: bool) -> EnvironmentUnavailable:
    """Of the first interpreter's failures the last that says more than that something does not exist."""
    python = failures[0][0]
    errors = [error for tried, error in failures if tried == python]
    error = next((error for error in reversed(errors) if error.kind != "missing"), errors[-1])
    got = "\n            ".join(str(error).splitlines())
    if python == wish.spec.python:
        what = f"{wish.title} wants Python {python}, and there is none here"
        return EnvironmentUnavailable(what, got=got, hint=how_to_get(python))
    what = f"the environment of {wish.title} cannot be built"
    if error.kind == "missing":
        return EnvironmentUnavailable(f"{what}: {error.reason}", hint="ask for a version that exists")
    hint = "run once without the offline switch" if offline else _HINTS[error.kind]
    return EnvironmentUnavailable(what, got=f"with {python}: {got}", hint=hint)


_HINTS: Final = {
    "network": "look at the network, and at pip's settings",
    "disk": "free some: `mlms cache prune`, `mlms env remove`, or set MLMS_CACHE to a folder on another disk",
    "other": "look at the requirements and at the network",
}

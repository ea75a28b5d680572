"""An emulator that counts what it executes: beside the one that an environment has, which is quicker.

Debian's emulator that takes plugins needs libraries. It gets them, and the loader that finds them, from the
same release: so it is the same on every system, and a worker need not see this one's.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from filelock import FileLock

from pytest_mlmodelscope.agent.compiler import compile_library
from pytest_mlmodelscope.agent.environment import Environment
from pytest_mlmodelscope.agent.install import InstallError
from pytest_mlmodelscope.agent.root import extract
from pytest_mlmodelscope.core.debian import architecture
from pytest_mlmodelscope.core.emulated import PROCESSORS, RELEASE
from pytest_mlmodelscope.core.errors import AssetError, EnvironmentUnavailable
from pytest_mlmodelscope.manifest.sources import debian
from pytest_mlmodelscope.worker.counting import VARIABLE

#: The package of that release with emulators that take plugins, and the version of their interface.
_EMULATORS: Final = "qemu-user"
_INTERFACE: Final = 1
_SOURCE: Final = Path(__file__).with_name("counter.c")
_UNCOUNTED: Final = "instructions cannot be counted here"
_NEEDED: Final = "docs/emulated.md says what counting needs"
_LOADER: Final = "loader"
_PLUGIN: Final = "counter.so"
#: What makes two runs of a program the same: the bytes that it is given as random ones, the order of sets, and
#: memory that is never given back, else it depends on all that was there before whether a call asks for more.
_STEADY: Final = ("-seed", "1")
_VARIABLES: Final = {
    VARIABLE: "emulator",
    "PYTHONHASHSEED": "0",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TOP_PAD_": str(64 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(512 * 2**20),
}


def counting(environment: Environment, progress: Callable[[str], None], offline: bool = False) -> Environment:
    """An emulated environment, run by the emulator that counts.

    Raises:
        EnvironmentUnavailable: it cannot be had here; says what would change that.
    """
    try:
        folder = _obtained(environment.python.parent.parent, progress, offline)
    except AssetError as error:
        raise EnvironmentUnavailable(_UNCOUNTED, got=f"{error.what} ({error.got})", hint=error.hint) from None
    except (InstallError, OSError) as error:
        raise EnvironmentUnavailable(_UNCOUNTED, got=str(error), hint=_NEEDED) from None
    emulator = folder / PROCESSORS[f"linux-{environment.arch}"].program.removesuffix("-static")
    words = (str(folder / _LOADER), "--library-path", str(folder), str(emulator), "-plugin", str(folder / _PLUGIN))
    return dataclasses.replace(
        environment,
        key=f"{environment.key}-counting",
        variables={**environment.variables, **_VARIABLES},
        launcher=(*words, *_STEADY, *environment.launcher[1:]),
    )


def _obtained(home: Path, progress: Callable[[str], None], offline: bool) -> Path:
    """The folder of the emulator below an environment's, made now where there is none."""
    content = (RELEASE, _EMULATORS, str(_INTERFACE), _SOURCE.read_text(encoding="utf-8"))
    folder = home / f"counter-{hashlib.sha256(repr(content).encode()).hexdigest()[:12]}"
    with FileLock(f"{home}-counter.lock"):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=home) as scratch:
                made = Path(scratch) / folder.name
                if not _copied(home, made):
                    _make(made, Path(scratch), progress, offline)
                made.replace(folder)
    return folder


def _copied(home: Path, made: Path) -> bool:
    """Whether another environment had it; its files are shared."""
    for other in sorted(home.parent.glob(f"*/{made.name}")):
        shutil.copytree(other, made, copy_function=os.link)
        return True
    return False


def _make(made: Path, scratch: Path, progress: Callable[[str], None], offline: bool) -> None:
    if offline:
        raise InstallError(f"Debian's {_EMULATORS} cannot be fetched offline")
    system = scratch / "system"
    for file in debian.of_another_machine([_EMULATORS], RELEASE, architecture(), scratch, progress):
        extract(file, system)
    made.mkdir()
    progress("compiling what counts instructions")
    compile_library(_SOURCE, made / _PLUGIN, [f"-DVERSION={_INTERFACE}"], progress, offline)
    shutil.copy(next(_loaders(system)), made / _LOADER)
    for processor in PROCESSORS.values():
        program = system / "usr/bin" / processor.program.removesuffix("-static")
        for library in _libraries(program, system, made / _LOADER):
            shutil.copy(library, made / library.name)
        shutil.copy(program, made / program.name)


def _loaders(system: Path) -> Iterator[Path]:
    return (path for path in sorted(system.glob("lib/*/ld*.so.*")) if not path.is_symlink())


def _libraries(program: Path, system: Path, loader: Path) -> Iterator[Path]:
    """What a program loads, as the loader tells: ``name => path (address)``."""
    places = [*system.glob("lib/*-linux-*/"), *system.glob("usr/lib/*-linux-*/")]
    command = [str(loader), "--library-path", ":".join(map(str, places)), "--list", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InstallError(f"{program.name} does not start: {(done.stdout + done.stderr).strip()[-300:]}")
    found = (Path(line.split(" => ")[1].rpartition(" (")[0]) for line in done.stdout.splitlines() if " => " in line)
    yield from (path for path in found if path != loader)  # which names itself as well

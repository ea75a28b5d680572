"""The machine that an emulated worker sees: an emulator, and Debian's packages for another architecture.

Unpacked below the environment's folder by nobody in particular: no root, no chroot, no maintainer's scripts.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from pytest_mlmodelscope.agent.install import Foreign, InstallError, interpreter
from pytest_mlmodelscope.agent.interpreters import fitting
from pytest_mlmodelscope.core.debian import architecture
from pytest_mlmodelscope.core.emulated import EMULATORS, PROCESSORS, PYTHON, RELEASE, Processor
from pytest_mlmodelscope.core.errors import AssetError
from pytest_mlmodelscope.manifest.sources import debian

#: What wheels need of a system, beside Python.
_BASE: Final = (f"python{PYTHON}", "libstdc++6", "libgomp1")
_ROOT: Final = "root"
_EMULATOR: Final = "emulator"
#: What nobody reads there.
_NOT_NEEDED: Final = ("doc", "info", "lintian", "locale", "man")
_OWN_MODULES: Final = f"usr/local/lib/python{PYTHON}/dist-packages"
_MODULES: Final = (f"lib/python{PYTHON}", f"{_ROOT}/usr/lib/python{PYTHON}", f"{_ROOT}/usr/lib/python3")
#: What Debian's scripts choose among; here the first is taken.
_CHOSEN: Final = re.compile(r"lib(blas|lapack)\.so\.3")


def kind(platform: str) -> Foreign:
    """The kind of machine that wheels for it are installed for: with the C library of that release."""
    return Foreign(PYTHON, f"{PROCESSORS[platform].arch}-manylinux_2_36")


def link_modules(folder: Path, site: Path) -> None:
    """Have the root's Python find the wheels that were installed."""
    place = folder / _ROOT / _OWN_MODULES
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(os.path.relpath(site, place.parent))


def launcher(folder: Path, platform: str) -> tuple[str, ...]:
    """The words before an interpreter of this environment that make the emulator run it."""
    model = PROCESSORS[platform].model
    return str(folder / _EMULATOR), "-cpu", model, "-L", str(folder / _ROOT)


def unpack(
    packages: Sequence[str], platform: str, folder: Path, progress: Callable[[str], None], offline: bool
) -> dict[str, str]:
    """Make the emulator and the root with Python and these packages of Debian; the versions of all.

    Raises:
        InstallError: they cannot be had.
    """
    processor = PROCESSORS[platform]
    if offline:
        raise InstallError(f"Debian's packages for {processor.debian} cannot be fetched offline")
    root = folder / _ROOT
    root.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        files = _fetched(packages, processor, Path(scratch), progress)
        progress(f"unpacking {len(files)} packages of Debian for {processor.debian}")
        for file in files:
            extract(file, Path(scratch) if file.name.startswith(EMULATORS) else root)
        (Path(scratch) / "usr/bin" / processor.program).replace(folder / _EMULATOR)
    _mend(root, processor)
    interpreter(folder).parent.mkdir()
    interpreter(folder).symlink_to(f"../{_ROOT}/usr/bin/python{PYTHON}")
    return dict(sorted(map(_version, files)))


def _fetched(
    packages: Sequence[str], processor: Processor, scratch: Path, progress: Callable[[str], None]
) -> list[Path]:
    wanted = [*_BASE, *packages, f"{EMULATORS}:{architecture()}"]
    try:
        return debian.of_another_machine(wanted, RELEASE, processor.debian, scratch, progress)
    except AssetError as error:
        raise InstallError("; ".join(str(part) for part in (error.what, error.got, error.hint) if part)) from None


def _version(file: Path) -> tuple[str, str]:
    """Of a file that apt named: name, version, architecture."""
    name, version, _ = unquote(file.name).split("_")
    return name, version


def extract(file: Path, place: Path) -> None:
    """Unpack a package of Debian into a folder.

    Raises:
        InstallError: it is broken.
    """
    command = ["dpkg-deb", "--extract", str(file), str(place)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise InstallError(f"{file.name} cannot be unpacked: {done.stderr.strip()}")


def _mend(root: Path, processor: Processor) -> None:
    """Do what an installation would have done, as far as it matters to a worker."""
    for link in _links(root):
        target = link.readlink()
        if target.is_absolute():
            link.unlink()
            link.symlink_to(os.path.relpath(root / target.relative_to("/"), link.parent))
    for library in sorted(root.glob("usr/lib/*/*/lib*.so.3")):
        chosen = library.parent.parent / library.name
        if _CHOSEN.fullmatch(library.name) and not os.path.lexists(chosen):
            chosen.symlink_to(f"{library.parent.name}/{library.name}")
    (root / "proc").mkdir()
    text = "\n".join(processor.told.format(number=number) for number in range(os.cpu_count() or 1))
    (root / "proc/cpuinfo").write_text(text, encoding="utf-8")


def _links(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        yield from (path for name in (*folders, *files) if (path := Path(folder, name)).is_symlink())


def not_needed(folder: Path) -> list[Path]:
    """What of a root can be deleted."""
    return [place for name in _NOT_NEEDED if (place := folder / _ROOT / "usr/share" / name).is_dir()]


def compile_modules(folder: Path, platform: str, variables: Mapping[str, str]) -> None:
    """Compile all modules: an emulated Python takes three times as long to start without.

    Another Python of the same version does it in seconds; where there is none, the emulated one does.
    """
    python = next((str(found.path) for found in fitting(f"=={PYTHON}.*")), None)
    words = [python] if python else [*launcher(folder, platform), str(interpreter(folder))]
    places = [str(place) for name in _MODULES if (place := folder / name).is_dir()]
    command = [*words, "-I", "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash", *places]
    # Some packages hold examples of modules that no Python compiles.
    subprocess.run(command, capture_output=True, env=dict(variables), check=False)

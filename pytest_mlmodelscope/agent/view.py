"""What a worker may see of the machine: system libraries, its environment, the model's files."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from pytest_mlmodelscope.agent.environment import Environment

#: What even a worker with a system of its own asks the kernel or its administrator.
_OF_KERNEL: Final = ("/etc/localtime", "/sys/devices/system")
#: Programs, libraries, and the little of ``/etc`` that they need; nothing in them is a user's.
SYSTEM: Final = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/nsswitch.conf",
    "/etc/timezone",
    *_OF_KERNEL,
)
DEVICES: Final = ("/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero")
_SYSTEM_OF_GPU: Final = ("/sys", "/etc/OpenCL", "/etc/vulkan")
_DEVICES_OF_GPU: Final = ("nvidia*", "nvidia-caps/*", "dri/*", "kfd")
#: What belongs to Python below a prefix that others may share, such as ``~/.local``.
_OF_PREFIX: Final = ("bin", "lib", "lib64", "include")
_WHOLE_PREFIX: Final = ("pyvenv.cfg", "conda-meta")
#: Variables on which it depends where modules and libraries are found.
_OF_LIBRARIES: Final = ("PYTHON", "LD_LIBRARY_PATH")
_PATH_OF: Final = "import json, sys; print(json.dumps([part for part in sys.path if part]))"

Settings = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class View:
    """Paths that may be read, and devices, none with a link in it; ``links`` maps path to target."""

    read: tuple[str, ...]
    links: Mapping[str, str]
    devices: tuple[str, ...]


def view(environment: Environment, files: Iterable[str], device: str, variables: Mapping[str, str]) -> View:
    """What a worker of this environment needs to run the model in ``files`` on a device."""
    matter = ((name, value) for name, value in variables.items() if name.startswith(_OF_LIBRARIES))
    standing, known = _standing(environment.python, environment.source, device, tuple(sorted(matter)))
    links = dict(known)
    real = standing | {_followed(path, links) for path in files if Path(path).exists()}
    return View(
        read=tuple(path for path in sorted(real) if not _below(path, real)),
        links={path: target for path, target in links.items() if not _below(path, real)},
        devices=tuple(path for path in _devices(device) if Path(path).exists()),
    )


def _devices(device: str) -> Iterator[str]:
    yield from DEVICES
    if device == "gpu":
        found = (path for pattern in _DEVICES_OF_GPU for path in Path("/dev").glob(pattern))
        yield from (str(path) for path in found if not path.is_dir())


@functools.cache
def _standing(python: Path, source: str, device: str, settings: Settings) -> tuple[frozenset[str], Mapping[str, str]]:
    """Where all is that every model of an environment needs, and the links on the way to it."""
    variables = dict(settings)
    if source == "emulated":
        # It has a system of its own, emulator and all; of this one it must see no program.
        wanted = [*_OF_KERNEL, str(python.parent.parent)]
    else:
        wanted = [*SYSTEM, *_of_loader(), *_listed(variables, "LD_LIBRARY_PATH")]
        wanted += _of_python(python, source, settings)
    if device == "gpu":
        wanted += _SYSTEM_OF_GPU
    links: dict[str, str] = {}
    real = {_followed(path, links) for path in wanted if Path(path).exists() and not _is_too_much(path)}
    return frozenset(real), links


def _followed(path: str, links: dict[str, str]) -> str:
    """Where a path really is; the links on the way are added to ``links``."""
    done, left = "/", [part for part in path.split("/") if part]
    while left:
        part = left.pop(0)
        place = os.path.normpath(f"{done.rstrip('/')}/{part}")
        if not Path(place).is_symlink():
            done = place
            continue
        target = links[place] = str(Path(place).readlink())
        left = [part for part in target.split("/") if part] + left
        done = "/" if target.startswith("/") else done
    return done


def _below(path: str, others: Set[str]) -> bool:
    return any(str(parent) in others for parent in Path(path).parents)


def _is_too_much(path: str) -> bool:
    """Whether a folder holds the user's home folder: it would show everything."""
    place, home = Path(path).resolve(), Path.home().resolve()
    return place == home or place in home.parents


def _listed(variables: Mapping[str, str], name: str) -> list[str]:
    return [part for part in variables.get(name, "").split(os.pathsep) if part.startswith("/")]


@functools.cache
def _of_loader() -> tuple[str, ...]:
    """Folders of libraries that an administrator named to the dynamic loader."""
    files = Path("/etc/ld.so.conf.d").glob("*.conf")
    lines = (line.strip() for file in files for line in file.read_text(errors="replace").splitlines())
    return tuple(line for line in lines if line.startswith("/"))


def _of_python(python: Path, source: str, settings: Settings) -> Iterator[str]:
    yield str(python)
    if source == "host":
        prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
        yield from _of_host(python, settings)
    else:
        prefixes = {str(python.parent.parent), *_base(python)}
    for prefix in map(Path, sorted(prefixes)):
        whole = any((prefix / name).exists() for name in _WHOLE_PREFIX)
        yield from [str(prefix)] if whole else [str(prefix / name) for name in _OF_PREFIX]


def _base(python: Path) -> Iterator[str]:
    """The prefix of the interpreter that a virtual environment was made from."""
    yield str(python.resolve().parent.parent)
    settings = python.parent.parent / "pyvenv.cfg"
    lines = settings.read_text(encoding="utf-8").splitlines() if settings.exists() else []
    pairs = (line.partition("=") for line in lines)
    yield from (str(Path(value.strip()).parent) for name, _, value in pairs if name.strip() == "home")


def _of_host(python: Path, settings: Settings) -> Iterator[str]:
    """Where the host's Python looks for modules, and the projects that are installed from their own folder."""
    command = [str(python), "-c", _PATH_OF]
    done = subprocess.run(  # the interpreter that runs this
        command, capture_output=True, text=True, check=False, cwd="/", env=dict(settings)
    )
    path: list[str] = json.loads(done.stdout) if done.returncode == 0 else []
    yield from path
    for about in (about for part in path for about in Path(part).glob("*.dist-info/direct_url.json")):
        url = json.loads(about.read_text(encoding="utf-8"))
        if url.get("dir_info", {}).get("editable"):
            yield unquote(url["url"].partition("file://")[2])

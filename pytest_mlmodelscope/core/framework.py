"""What a framework's declarative file says: devices, options, environments."""

from __future__ import annotations

import functools
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pytest_mlmodelscope.core.claim import NOTHING
from pytest_mlmodelscope.core.document import read_document
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.registry import location
from pytest_mlmodelscope.core.schema import check

#: What a machine is: the thing itself, or a program that does what it would do.
Nature = Literal["hardware", "emulated", "simulated"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a framework is to run: a device, and the kind of machine as Python's packages call it
    (``linux-aarch64``); ``address`` is another machine's, and empty for this one. ``capability`` is the
    compute capability of a GPU, as 9.0, and empty where it is not known.
    """

    device: str = "cpu"
    platform: str = field(default_factory=sysconfig.get_platform)
    nature: Nature = "hardware"
    address: str = ""
    capability: str = ""


#: This machine's processor.
HERE = Place()


@dataclass(frozen=True, slots=True)
class Attempt:
    """Options of one try at installing; ``requirements`` replace the environment's."""

    requirements: tuple[str, ...] | None = None
    torch_backend: str | None = None


@dataclass(frozen=True, slots=True)
class Libraries:
    """System libraries of an environment: ``debian`` names the package of each that the system may
    lack, ``programs`` the same of programs, ``links`` are names under which the worker looks for
    files of the environment.
    """

    debian: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    links: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    programs: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class EnvironmentSpec:
    """One version of a framework and what it is installed from.

    ``host`` are the requirements under which the host's own environment will do; None where a
    separate one is always built. ``lock`` is a file of pins with hashes for ``requirements``.
    ``admits`` are other versions that can be had: ``{version}`` in a requirement is what is wanted.
    No ``devices``, ``platforms`` and (of GPUs) ``capabilities`` mean all of them. ``prune`` are globs
    below site-packages, ``prepare`` lines of Python that are run once when everything is installed;
    ``{environment}`` in ``variables`` is the environment's folder. An ``emulated`` one is a whole
    machine, for emulated places only: ``debian`` are the packages that it has beside Python and the
    requirements.
    """

    version: str
    python: str
    requirements: tuple[str, ...]
    host: tuple[str, ...] | None = None
    attempts: tuple[Attempt, ...] = (Attempt(),)
    variables: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    lock: Path | None = None
    admits: str | None = None
    devices: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    libraries: Libraries = Libraries()
    prune: tuple[str, ...] = ()
    emulated: bool = False
    debian: tuple[str, ...] = ()
    prepare: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameworkSpec:
    """One folder of ``frameworks/``: its ``framework.yml`` as data.

    ``roles`` are the assets that a manifest's section names, with *required* or *optional*;
    ``options`` is the JSON Schema of the rest of that section.
    """

    name: str
    title: str
    devices: tuple[str, ...]
    roles: Mapping[str, str]
    options: Mapping[str, Any]
    environments: tuple[EnvironmentSpec, ...]
    folder: Path


@functools.cache
def framework_spec(name: str) -> FrameworkSpec:
    """The declarative file of one framework.

    Raises:
        UsageError: no framework has this name; offers the nearest.
        DocumentError: its file is not valid.
    """
    folder = _folder(name)
    document = read_document(folder / "framework.yml")
    check(document, "framework")
    data = document.data
    return FrameworkSpec(
        name=name,
        title=data["title"],
        devices=tuple(data["devices"]),
        roles=data.get("roles", {}),
        options=data["options"],
        environments=tuple(_environment(entry, folder) for entry in data["environments"]),
        folder=folder,
    )


def _folder(name: str) -> Path:
    module = location("frameworks", name).partition(":")[0]
    found = find_spec(module)
    if found is None or found.origin is None:
        raise MlmsError(f"the framework {name} has no folder", where=module)
    return Path(found.origin).parent


def _environment(entry: Mapping[str, Any], folder: Path) -> EnvironmentSpec:
    return EnvironmentSpec(
        version=entry["version"],
        python=entry["python"],
        requirements=tuple(entry["requirements"]),
        host=tuple(entry["host"]) if "host" in entry else None,
        attempts=tuple(_attempt(attempt) for attempt in entry.get("attempts", [{}])),
        variables=entry.get("variables", {}),
        lock=folder / entry["lock"] if "lock" in entry else None,
        admits=entry.get("admits"),
        devices=tuple(entry.get("devices", ())),
        capabilities=tuple(entry.get("capabilities", ())),
        platforms=tuple(entry.get("platforms", ())),
        libraries=_libraries(entry.get("libraries", {})),
        prune=tuple(entry.get("prune", ())),
        emulated=entry.get("emulated", False),
        debian=tuple(entry.get("debian", ())),
        prepare=tuple(entry.get("prepare", ())),
    )


def _attempt(entry: Mapping[str, Any]) -> Attempt:
    requirements = tuple(entry["requirements"]) if "requirements" in entry else None
    return Attempt(requirements, entry.get("torch_backend"))


def _libraries(entry: Mapping[str, Any]) -> Libraries:
    return Libraries(entry.get("debian", {}), entry.get("links", {}), entry.get("programs", {}))

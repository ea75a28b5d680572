"""Where a framework can be run: the host's own environment, or one that is built for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from pytest_mlmodelscope.agent.built import BuiltEnvironments, Wish, packages
from pytest_mlmodelscope.agent.install import interpreter
from pytest_mlmodelscope.core.claim import NOTHING
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, UsageError
from pytest_mlmodelscope.core.framework import EnvironmentSpec, framework_spec
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.core.registry import names


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python interpreter with a framework.

    ``version`` is the framework's, ``packages`` maps what is installed to versions, ``variables``
    are what the worker's process gets, ``key`` names a built one's folder.
    """

    python: Path
    key: str
    framework: str
    version: str
    source: Literal["host", "built"]
    variables: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    packages: Mapping[str, str] = field(default_factory=lambda: NOTHING)


class Environments:
    """Finds environments, or builds them under ``root/envs``; ``progress`` gets short sentences."""

    def __init__(self, root: Path, offline: bool = False, progress: Callable[[str], None] | None = None) -> None:
        self.built = BuiltEnvironments(root, offline, progress or (lambda text: None))

    def obtain(self, use: FrameworkUse, requirement: str = "") -> Environment:
        """An environment in which a model can be run; ``requirement`` is on the version, as ``>=2``.

        Raises:
            EnvironmentUnavailable: there is none and none can be built; says what would change that.
        """
        wanted = _specifiers(use.name, requirement, use.version or "")
        specs = framework_spec(use.name).environments
        for spec in specs:
            if (found := _of_host(use, spec, wanted)) is not None:
                return found
            if wanted.contains(spec.version, prereleases=True):
                return self._of_cache(Wish(use.name, spec, tuple(use.packages)))
        known = ", ".join(spec.version for spec in specs)
        raise EnvironmentUnavailable(f"no environment of {use.name} fits", expected=str(wanted), got=known)

    def all(self) -> Iterator[Environment]:
        """Those that are there now: the host's own for each framework, then the built ones."""
        for name in names("frameworks"):
            hosts = (_of_host(FrameworkUse(name), spec, SpecifierSet()) for spec in framework_spec(name).environments)
            yield from (found for found in hosts if found is not None)
        for key, about in self.built.all():
            python = interpreter(self.built.folder(key))
            yield Environment(python, key, about["framework"], about["version"], "built", packages=about["packages"])

    def _of_cache(self, wish: Wish) -> Environment:
        folder = self.built.obtain(wish)
        return Environment(
            python=interpreter(folder),
            key=wish.key,
            framework=wish.framework,
            version=wish.spec.version,
            source="built",
            variables=wish.spec.variables,
            packages=packages(folder),
        )


def _specifiers(framework: str, *texts: str) -> SpecifierSet:
    wanted = SpecifierSet()
    for text in texts:
        try:
            wanted &= SpecifierSet(text)
        except InvalidSpecifier:
            expected = "something like >=2 or ==1.0.1"
            raise UsageError(f"no requirement on a version of {framework}", expected=expected, got=text) from None
    return wanted


def _of_host(use: FrameworkUse, spec: EnvironmentSpec, wanted: SpecifierSet) -> Environment | None:
    """The host's own environment, where it holds all that is asked for."""
    if spec.host is None:
        return None
    found = satisfied([*spec.host, *use.packages])
    if not found:
        return None
    version = next(iter(found.values()))
    if not wanted.contains(version, prereleases=True):
        return None
    return Environment(Path(sys.executable), "host", use.name, version, "host", spec.variables, found)


def satisfied(requirements: Iterable[str]) -> dict[str, str]:
    """The host's version of each package that is required; empty when one is not satisfied."""
    found = {}
    for text in requirements:
        required = Requirement(text)
        if required.marker is not None and not required.marker.evaluate():
            continue
        try:
            version = metadata.version(required.name)
        except metadata.PackageNotFoundError:
            return {}
        if not required.specifier.contains(version, prereleases=True):
            return {}
        found[required.name] = version
    return found

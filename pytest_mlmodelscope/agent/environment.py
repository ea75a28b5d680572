"""Where a framework can be run: the host's own environment, or one that is built for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pytest_mlmodelscope.agent.built import BuiltEnvironments
from pytest_mlmodelscope.agent.install import interpreter
from pytest_mlmodelscope.agent.installed import packages, variables
from pytest_mlmodelscope.agent.interpreters import downloadable, fitting, how_to_get
from pytest_mlmodelscope.agent.root import launcher
from pytest_mlmodelscope.agent.versions import admitted, listed, specifiers
from pytest_mlmodelscope.agent.wish import Wish
from pytest_mlmodelscope.core.claim import NOTHING
from pytest_mlmodelscope.core.emulated import PROCESSORS, lacking
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, NotApplicable
from pytest_mlmodelscope.core.framework import HERE, EnvironmentSpec, Place, framework_spec
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.core.registry import names

if TYPE_CHECKING:
    from pytest_mlmodelscope.agent.sites import Sites


@dataclass(frozen=True, slots=True)
class There:
    """Where an environment of another machine is: the machine's address, and the folder of its packages."""

    address: str
    site: str


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python interpreter with a framework.

    ``version`` is the framework's, ``packages`` maps what is installed to versions, ``variables``
    are what the worker's process gets, ``key`` names a built one's folder. ``there`` is on another
    machine. An emulated one is for the machine ``arch``, and ``launcher`` are the words before the
    interpreter that make it run here.
    """

    python: Path
    key: str
    framework: str
    version: str
    source: Literal["host", "built", "remote", "emulated"]
    variables: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    packages: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    there: There | None = None
    launcher: tuple[str, ...] = ()
    arch: str = ""


class Environments:
    """Finds environments, or builds them under ``root/envs``; ``progress`` gets short sentences."""

    def __init__(self, root: Path, offline: bool = False, progress: Callable[[str], None] | None = None) -> None:
        self._settings = (root, offline, progress or (lambda text: None))
        self.built = BuiltEnvironments(*self._settings)
        self._refused: dict[str, EnvironmentUnavailable] = {}

    def obtain(self, use: FrameworkUse, requirement: str = "", place: Place = HERE) -> Environment:
        """An environment in which a model can be run in a place, by default on this machine's
        processor; ``requirement`` is on the version, as ``>=2``.

        Raises:
            EnvironmentUnavailable: there is none and none can be built; says what would change that.
            NotApplicable: the framework has nothing for this kind of machine, or for this device.
            RemoteError: the place is on another machine, which cannot be reached.
        """
        wanted = specifiers(use.name, requirement, use.version or "")
        specs = _for_place(use.name, place)
        if place.address:
            return self._elsewhere(use, specs, wanted, place)
        found = _here(use, specs, wanted, place)
        return self._of_cache(found) if isinstance(found, Wish) else found

    def at_hand(self, use: FrameworkUse, requirement: str = "", place: Place = HERE) -> Environment:
        """The same where it is on this machine already: nothing is built.

        Raises:
            EnvironmentUnavailable: it is not.
            NotApplicable: the framework has nothing for this kind of machine, or for this device.
        """
        wanted = specifiers(use.name, requirement, use.version or "")
        found = None if place.address else _here(use, _for_place(use.name, place), wanted, place)
        if found is None or (isinstance(found, Wish) and not self.built.usable(found.key)):
            raise EnvironmentUnavailable(f"the environment of {found.title if found else use.name} is not built here")
        return self._of_cache(found) if isinstance(found, Wish) else found

    @property
    def sites(self) -> Sites:
        """The archives of packages for other machines."""
        from pytest_mlmodelscope.agent.sites import Sites

        return Sites(*self._settings)

    def all(self) -> Iterator[Environment]:
        """Those that are there now: the host's own for each framework, then the built ones."""
        for name in names("frameworks"):
            hosts = (_of_host(FrameworkUse(name), spec, SpecifierSet()) for spec in framework_spec(name).environments)
            # One may serve several devices.
            yield from {found.version: found for found in hosts if found is not None}.values()
        for key, about in self.built.all():
            yield _described(self.built.folder(key), about, about.get("variables", NOTHING), about["packages"])

    def not_built(self) -> Iterator[tuple[str, EnvironmentSpec, str | None]]:
        """Each entry of a framework's file that is not there, and why it cannot be had here; None
        where it can be built.
        """
        for name in names("frameworks"):
            for spec in framework_spec(name).environments:
                here = _of_host(FrameworkUse(name), spec, SpecifierSet()) is not None
                wishes = [Wish(name, spec, platform=platform) for platform in _platforms(spec)]
                if not here and not any(self.built.complete(wish.key) for wish in wishes):
                    yield name, spec, _lacking(spec)

    def _elsewhere(
        self, use: FrameworkUse, specs: Sequence[EnvironmentSpec], wanted: SpecifierSet, place: Place
    ) -> Environment:
        from pytest_mlmodelscope.agent.remote import RemoteEnvironments

        packages, platform = tuple(use.packages), place.platform
        wishes = [Wish(use.name, spec, packages, platform=platform) for spec in specs if listed(spec, wanted)]
        asked = ((spec, admitted(spec, wanted)) for spec in specs)
        wishes += [Wish(use.name, spec, packages, text, platform) for spec, text in asked if text is not None]
        if not wishes:
            raise _none_fits(use, specs, wanted)
        return RemoteEnvironments(*self._settings).obtain(wishes, place.address)

    def _of_cache(self, wish: Wish) -> Environment:
        # What cannot be built costs minutes, and every case of a session would try it again.
        if wish.key in self._refused:
            raise self._refused[wish.key]
        try:
            folder = self.built.obtain(wish)
        except EnvironmentUnavailable as error:
            self._refused[wish.key] = error
            raise
        return _described(folder, self.built.about(wish.key), variables(folder, wish.spec), packages(folder))


def _here(
    use: FrameworkUse, specs: Sequence[EnvironmentSpec], wanted: SpecifierSet, place: Place
) -> Environment | Wish:
    """The host's own environment, or the one that is wished for."""
    for spec in specs:
        if (found := _of_host(use, spec, wanted)) is not None:
            return found
        if listed(spec, wanted):
            return Wish(use.name, spec, tuple(use.packages), platform=place.platform)
    for spec in specs:
        if (asked := admitted(spec, wanted)) is not None:
            return Wish(use.name, spec, tuple(use.packages), asked, place.platform)
    raise _none_fits(use, specs, wanted)


def _described(
    folder: Path, about: Mapping[str, Any], variables: Mapping[str, str], packages: Mapping[str, str]
) -> Environment:
    """What was built in a folder."""
    platform = about.get("emulated")
    return Environment(
        python=interpreter(folder),
        key=folder.name,
        framework=about["framework"],
        version=about["version"],
        source="emulated" if platform else "built",
        variables=variables,
        packages=packages,
        launcher=launcher(folder, platform) if platform else (),
        arch=PROCESSORS[platform].arch if platform else "",
    )


def _platforms(spec: EnvironmentSpec) -> tuple[str, ...]:
    """The kinds of machine that an entry can be built for here."""
    return spec.platforms if spec.emulated else (HERE.platform,)


def _for_place(framework: str, place: Place) -> list[EnvironmentSpec]:
    """What the framework's file has for this kind of machine and this device, at least one."""
    specs = [spec for spec in framework_spec(framework).environments if spec.emulated == (place.nature == "emulated")]
    here, device = place.platform, place.device
    found = [spec for spec in specs if not spec.platforms or here in spec.platforms]
    if not found:
        places = ", ".join(dict.fromkeys(place for spec in specs for place in spec.platforms))
        if place.nature == "emulated":
            raise _not_emulated(framework, here, places)
        what, hint = f"there are no packages of {framework} for this kind of machine", f"run it on {places}"
        raise NotApplicable(what, expected=places, got=here, hint=hint)
    fitting = [spec for spec in found if not spec.devices or device in spec.devices]
    if not fitting:
        devices = ", ".join(dict.fromkeys(name for spec in found for name in spec.devices))
        what = f"no environment of {framework} is for a {device}"
        raise NotApplicable(what, expected=devices, got=device, hint=f"run it on a target with a {devices}")
    return _for_capability(framework, fitting, place)


def _for_capability(framework: str, specs: list[EnvironmentSpec], place: Place) -> list[EnvironmentSpec]:
    fitting = [spec for spec in specs if not (spec.capabilities and place.capability) or _knows(spec, place)]
    if not fitting:
        known = ", ".join(dict.fromkeys(name for spec in specs for name in spec.capabilities))
        what = f"no environment of {framework} knows a GPU of this compute capability"
        raise NotApplicable(what, expected=known, got=place.capability, hint="run it on a GPU that has one of these")
    return fitting


def _knows(spec: EnvironmentSpec, place: Place) -> bool:
    return place.capability in spec.capabilities


def _not_emulated(framework: str, platform: str, places: str) -> NotApplicable:
    return NotApplicable(
        f"{framework} is not had on an emulated machine of this kind",
        expected=places or "none: its file has no emulated environment",
        got=platform,
        hint=f"run the same command on a machine that is {platform}",
    )


def _none_fits(use: FrameworkUse, specs: Iterable[EnvironmentSpec], wanted: SpecifierSet) -> EnvironmentUnavailable:
    return EnvironmentUnavailable(
        f"no environment of {use.name} fits", expected=str(wanted), got=", ".join(_offers(specs))
    )


def _lacking(spec: EnvironmentSpec) -> str | None:
    here = HERE.platform
    if spec.emulated:
        found = lacking()
        return None if found is None else f"{found.what}; try: {found.hint}"
    if spec.platforms and here not in spec.platforms:
        return f"has packages for {', '.join(spec.platforms)} only; this is {here}"
    wanted = SpecifierSet(spec.python)
    if next(fitting(spec.python), None) or any(wanted.contains(version) for version in downloadable()):
        return None
    return f"wants Python {spec.python}, and there is none here; try: {how_to_get(spec.python)}"


def _offers(specs: Iterable[EnvironmentSpec]) -> Iterator[str]:
    """The versions that can be had, as a message lists them."""
    for spec in specs:
        yield spec.version
        if spec.admits is not None:
            yield spec.admits


def _of_host(use: FrameworkUse, spec: EnvironmentSpec, wanted: SpecifierSet) -> Environment | None:
    """The host's own environment, where it holds all that is asked for."""
    if spec.host is None:
        return None
    found = satisfied([*spec.host, *use.packages])
    if not found:
        return None
    version = next(iter(found.values()))
    if not wanted.contains(version, prereleases=True) or _is_for_others(version, spec):
        return None
    return Environment(Path(sys.executable), "host", use.name, version, "host", spec.variables, found)


def _is_for_others(version: str, spec: EnvironmentSpec) -> bool:
    """Whether its maker built this version for processors (``2.13.0+cpu``), and the environment is for none."""
    return bool(spec.devices) and "cpu" not in spec.devices and Version(version).local == "cpu"


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

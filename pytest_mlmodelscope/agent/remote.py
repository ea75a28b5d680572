"""Frameworks on another machine: which of its Pythons takes which version, and the packages sent there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from packaging.specifiers import SpecifierSet

from pytest_mlmodelscope.agent.environment import Environment, There
from pytest_mlmodelscope.agent.install import Foreign
from pytest_mlmodelscope.agent.sites import Site, Sites
from pytest_mlmodelscope.agent.wish import Wish
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable
from pytest_mlmodelscope.remote.machine import Python, Remote, remote
from pytest_mlmodelscope.remote.store import Kept, Parcel, ensure

#: The versions of glibc (2.N) that the installer knows as platforms.
_GLIBCS: Final = (17, 28, *range(31, 41))
#: The architectures that it knows.
_ARCHITECTURES: Final = ("x86_64", "aarch64")


class RemoteEnvironments:
    """Environments of other machines, made of archives below ``root`` and kept there in the user's cache."""

    def __init__(self, root: Path, offline: bool, progress: Callable[[str], None]) -> None:
        self.sites = Sites(root, offline, progress)
        self._progress = progress

    def obtain(self, wishes: Sequence[Wish], address: str) -> Environment:
        """The first of the wishes that one of the machine's Pythons can take, by the newest for which it can be had.

        Raises:
            EnvironmentUnavailable: no Python can, or the packages cannot be had for any; says why of the newest.
            RemoteError: the machine cannot be reached, or refuses what is sent.
        """
        machine = remote(address)
        platform = _platform(machine)
        failures: list[EnvironmentUnavailable] = []
        for wish, python in _tries(wishes, machine.pythons):
            try:
                site = self.sites.obtain(wish, Foreign(".".join(map(str, python.version[:2])), platform))
            except EnvironmentUnavailable as error:
                failures.append(error)
                continue
            return self._sent(machine, python, site, wish)
        raise failures[0] if failures else _no_python(wishes, machine)

    def _sent(self, machine: Remote, python: Python, site: Site, wish: Wish) -> Environment:
        about = site.about
        place = f"{machine.facts['cache']}/envs/{site.key}"
        parcel = Parcel(site.archive, about["bytes"], about["sha256"])
        ensure(machine, Kept(wish.title, place, {}, lambda: nullcontext(parcel), python.path), self._progress)
        return Environment(
            python=Path(python.path),
            key=f"{machine.address}/{site.key}",
            framework=wish.framework,
            version=about["version"],
            source="remote",
            variables=dict(wish.spec.variables),
            packages=about["packages"],
            there=There(machine.address, place),
        )


def _tries(wishes: Sequence[Wish], pythons: Sequence[Python]) -> list[tuple[Wish, Python]]:
    """The first wish that any of them can take, with each that can; another version would be a surprise."""
    for wish in wishes:
        wanted = SpecifierSet(wish.spec.python)
        if found := [(wish, python) for python in pythons if wanted.contains(python.text)]:
            return found
    return []


def _platform(machine: Remote) -> str:
    """The machine's kind as the installer calls it.

    Raises:
        EnvironmentUnavailable: no packages are made for it.
    """
    arch, (name, version) = machine.facts["arch"], machine.facts["libc"]
    minor = int(version.split(".")[1]) if name == "glibc" else 0
    known = [number for number in _GLIBCS if number <= minor]
    if arch not in _ARCHITECTURES or not known:
        raise EnvironmentUnavailable(
            f"no packages can be brought to {machine.address}",
            expected=f"{' or '.join(_ARCHITECTURES)} with glibc 2.{_GLIBCS[0]} or later",
            got=f"{arch} with {f'{name} {version}' if name else 'another C library'}",
            hint="install pytest-mlmodelscope on that machine, and run it there",
        )
    return f"{arch}-manylinux_2_{known[-1]}"


def _no_python(wishes: Sequence[Wish], machine: Remote) -> EnvironmentUnavailable:
    wanted = " or ".join(dict.fromkeys(wish.spec.python for wish in wishes))
    return EnvironmentUnavailable(
        f"{wishes[0].title} has no Python on {machine.address}",
        expected=f"Python {wanted}",
        got=", ".join(python.text for python in machine.pythons),
        hint="install one there, so that it is on the PATH of a command by ssh",
    )

"""Which versions of a framework can be had: those that its file lists, and those that it admits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.framework import EnvironmentSpec

#: Where a requirement of a framework's file takes the version.
PLACE: Final = "{version}"


def specifiers(framework: str, *texts: str) -> SpecifierSet:
    """All of these requirements on a version together.

    Raises:
        UsageError: one of them is none.
    """
    wanted = SpecifierSet()
    for text in texts:
        try:
            wanted &= SpecifierSet(text)
        except InvalidSpecifier:
            expected = "something like >=2 or ==1.0.1"
            raise UsageError(f"no requirement on a version of {framework}", expected=expected, got=text) from None
    return wanted


def listed(spec: EnvironmentSpec, wanted: SpecifierSet) -> bool:
    """Whether the version that the file lists is one that is wanted."""
    return wanted.contains(spec.version, prereleases=True)


def admitted(spec: EnvironmentSpec, wanted: SpecifierSet) -> str | None:
    """What to ask the installer for, where some version that the file admits may be wanted."""
    if spec.admits is None:
        return None
    both = wanted & SpecifierSet(spec.admits)
    if not any(both.contains(version, prereleases=True) for version in _candidates(both)):
        return None
    # With an exact version the range that it lies in says nothing more.
    exact = [part for part in wanted if part.operator == "==" and not part.version.endswith(".*")]
    return str(exact[0]) if exact else str(both)


def _candidates(both: SpecifierSet) -> Iterator[str]:
    """Versions of which one satisfies a set that can be satisfied: its bounds, and what comes next."""
    yield "0"
    for part in both:
        bound = part.version.removesuffix(".*")
        yield from (bound, f"{bound}.0.0.1", f"{bound}.0.0.2")

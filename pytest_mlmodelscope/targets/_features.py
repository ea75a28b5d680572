"""What a processor can do: its micro-architecture and its features, by the names of archspec and the kernel."""

from __future__ import annotations

from collections.abc import Iterable


def microarchitecture() -> str:
    """The best micro-architecture of which this processor has everything: ``zen2``, ``neoverse_n1``.

    A hypervisor that hides a feature makes it an older one, or only a level such as ``x86_64_v3``.
    """
    import archspec.cpu

    return str(archspec.cpu.host())


def microarchitectures() -> list[str]:
    """The names of all that are known."""
    from archspec.cpu import TARGETS

    return list(TARGETS)


def descends(name: str | None, ancestor: str) -> bool:
    """Whether what was made for ``ancestor`` runs on ``name``: it is the same, or has all of it."""
    from archspec.cpu import TARGETS

    return name is not None and name in TARGETS and ancestor in TARGETS and TARGETS[name] >= TARGETS[ancestor]


def has_feature(arch: str, features: Iterable[str], name: str) -> bool:
    """Whether a processor has a feature, by the kernel's name or one that implies it (``neon``, ``avx512``)."""
    from archspec.cpu import TARGETS, Microarchitecture

    family = [TARGETS[arch]] if arch in TARGETS else []
    return name in Microarchitecture("", family, "", set(features), {})

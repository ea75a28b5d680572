"""What a processor can do: its micro-architecture and its features, by the names of archspec and the kernel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def microarchitecture() -> str:
    """The best micro-architecture of which this processor has everything: ``zen2``, ``neoverse_n1``.

    A hypervisor that hides a feature makes it an older one, or only a level such as ``x86_64_v3``.
    """
    import archspec.cpu

    return str(archspec.cpu.host())


def microarchitecture_of(arch: str, told: str) -> str | None:
    """The same of another machine, from the text of its ``/proc/cpuinfo``, as archspec finds it there; None
    for architectures that nobody is reached on.
    """
    from archspec.cpu import TARGETS
    from archspec.cpu.detect import COMPATIBILITY_CHECKS

    if arch not in ("x86_64", "aarch64"):
        return None
    info, check = _partial(told), COMPATIBILITY_CHECKS[arch]
    candidates = [one for one in TARGETS.values() if check(info, one)]
    generic = max((one for one in candidates if one.vendor == "generic"), key=_depth)
    same_part = [one for one in candidates if info.cpu_part and one.cpu_part == info.cpu_part]
    return str(max((one for one in same_part or candidates if one > generic), key=_depth, default=generic))


def _partial(told: str) -> Any:
    """What the first processor says of itself, as archspec compares it."""
    from archspec.cpu import Microarchitecture
    from archspec.cpu.schema import TARGETS_JSON

    lines = (line.partition(":") for line in told.strip().partition("\n\n")[0].splitlines())
    said = {key.strip(): value.strip() for key, _, value in lines}
    code = said.get("CPU implementer", "")
    vendor = said.get("vendor_id") or TARGETS_JSON["conversions"]["arm_vendors"].get(code, code) or "generic"
    features = set(said.get("flags", said.get("Features", "")).split())
    return Microarchitecture("", [], vendor, features, {}, 0, said.get("CPU part", ""))


def _depth(one: Any) -> tuple[int, int]:
    return len(one.ancestors), len(one.features)


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

"""A claim's hardware predicate against the machines of a target."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from packaging.version import InvalidVersion, Version

from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.interfaces.target import Machine, Target
from pytest_mlmodelscope.targets._features import descends, has_feature

_SAME_ARCH = {"arm64": "aarch64", "amd64": "x86_64"}


def machines(target: Target) -> Sequence[Machine]:
    """Every machine behind a target, at least one.

    Raises:
        NotApplicable: there is none here.
    """
    every = getattr(target, "machines", None)
    return [target.probe()] if every is None else every()


def chosen(target: Target, hardware: Hardware) -> Machine:
    """The first machine of a target that a claim is about.

    Raises:
        NotApplicable: there is none; names the condition that does not hold.
    """
    found = machines(target)
    refused = []
    for machine in found:
        told = list(_unmet(machine, hardware))
        if not told:
            return machine
        refused.append(told)
    nearest = min(refused, key=len)
    others = f" (the nearest of {len(found)})" if found[1:] else ""
    raise NotApplicable(f"the claim is about other hardware {nearest[0]}{others}")


def require(machine: Machine, hardware: Hardware) -> None:
    """Refuse a machine that a claim is not about.

    Raises:
        NotApplicable: names the first condition that does not hold.
    """
    for told in _unmet(machine, hardware):
        raise NotApplicable(f"the claim is about other hardware {told}")


def _unmet(machine: Machine, hardware: Hardware) -> Iterator[str]:
    """Each condition that does not hold, as ``(what): wanted, got``, in one line."""
    wanted = _SAME_ARCH.get(hardware.arch or "", hardware.arch)
    if hardware.device not in (None, machine.device):
        yield f"(device): a {hardware.device}, and this is a {machine.device}"
    if wanted not in (None, machine.arch):
        yield f"(architecture): {wanted}, and this is {machine.arch}"
    if hardware.name is not None and re.search(hardware.name, machine.name) is None:
        yield f"(name): one that matches /{hardware.name}/, and this is {machine.name}"
    if hardware.memory is not None and machine.memory < hardware.memory:
        yield f"(memory): at least {hardware.memory / 1e9:g} GB, and here are {in_bytes(machine.memory)}"
    yield from _unmet_facts(machine, hardware)


def _unmet_facts(machine: Machine, hardware: Hardware) -> Iterator[str]:
    """The same of what a machine may not tell; then the condition does not hold."""
    # Of a device, what is asked of processors is asked of the one that drives it.
    facts, family = {**machine.facts.get("processor", {}), **machine.facts}, hardware.microarchitecture
    if family is not None and not descends(facts.get("microarchitecture"), family):
        yield f"(microarchitecture): {family} or a successor, and this is {_or_unknown(facts, 'microarchitecture')}"
    missing = [name for name in hardware.features if not has_feature(machine.arch, facts.get("features", ()), name)]
    if missing:
        yield f"(features): {', '.join(missing)}, and {machine.name} does not have that"
    if hardware.cores is not None and (facts.get("cores") or 0) < hardware.cores:
        yield f"(cores): at least {hardware.cores}, and here are {_or_unknown(facts, 'cores')}"
    for key in ("driver", "cuda", "compute_capability"):
        least = getattr(hardware, key)
        if least is not None and not _reaches(facts.get(key), least):
            yield f"({key.replace('_', ' ')}): at least {least}, and here is {_or_unknown(facts, key)}"


def in_bytes(count: int) -> str:
    """A size of memory, as a person writes it."""
    return f"{count / 1e9:,.1f} GB" if count >= 10**9 else f"{count / 1e6:,.1f} MB"


def _or_unknown(facts: Any, key: str) -> str:
    return str(facts.get(key) or "unknown")


def _reaches(got: str | None, least: str) -> bool:
    """Whether a version is the least one or later; one that is no version reaches nothing."""
    try:
        return got is not None and Version(got) >= Version(least)
    except InvalidVersion:
        return False

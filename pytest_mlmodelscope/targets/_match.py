"""A claim's hardware predicate against a machine."""

from __future__ import annotations

import re

from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.interfaces.target import Machine

_SAME_ARCH = {"arm64": "aarch64", "amd64": "x86_64"}


def require(machine: Machine, hardware: Hardware) -> None:
    """Refuse a machine that a claim is not about.

    Raises:
        NotApplicable: names the first condition that does not hold.
    """
    wanted_arch = _SAME_ARCH.get(hardware.arch or "", hardware.arch)
    _expect("device", hardware.device, machine.device, hardware.device in (None, machine.device))
    _expect("architecture", wanted_arch, machine.arch, wanted_arch in (None, machine.arch))
    named = hardware.name is None or re.search(hardware.name, machine.name) is not None
    _expect("name", hardware.name and f"/{hardware.name}/", machine.name, named)
    enough = hardware.memory is None or machine.memory >= hardware.memory
    _expect("memory", hardware.memory and f"{hardware.memory / 1e9:g} GB", f"{machine.memory / 1e9:.1f} GB", enough)


def _expect(what: str, wanted: object, got: object, holds: bool) -> None:
    if not holds:
        raise NotApplicable(f"the claim is about other hardware ({what})", expected=wanted, got=got)

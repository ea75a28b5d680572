"""The processor of this machine, whatever its architecture."""

from __future__ import annotations

from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.interfaces.target import Machine
from pytest_mlmodelscope.targets._local import local_cpu
from pytest_mlmodelscope.targets._processor import watching

__all__ = ["ELSEWHERE", "admits", "probe", "watching"]

#: Architectures that have a target of their own.
ELSEWHERE = {"aarch64", "arm64", "ppc64le"}


def admits(hardware: Hardware) -> bool:
    """A claim about processors, or about no device at all."""
    return hardware.device in (None, "cpu") and hardware.arch not in ELSEWHERE


def probe() -> Machine:
    """This machine's processor."""
    return local_cpu()

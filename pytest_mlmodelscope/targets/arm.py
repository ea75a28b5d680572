"""A 64-bit ARM processor: this machine's own, when it is one, else an emulated one."""

from __future__ import annotations

from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.interfaces.target import Machine
from pytest_mlmodelscope.targets._emulated import cpu_of
from pytest_mlmodelscope.targets._processor import watching

__all__ = ["admits", "probe", "watching"]


def admits(hardware: Hardware) -> bool:
    """A claim about ARM processors, or one that names no architecture."""
    return hardware.device in (None, "cpu") and hardware.arch in (None, "aarch64", "arm64")


def probe() -> Machine:
    """This machine, where it is an ARM one; else one that is emulated."""
    return cpu_of("aarch64")

"""An FPGA board."""

from __future__ import annotations

from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.interfaces.target import Machine


def admits(hardware: Hardware) -> bool:
    """A claim about FPGAs, or one that names no device."""
    return hardware.device in (None, "fpga")


def probe() -> Machine:
    """No framework of this version drives a board, so there is never one.

    Raises:
        NotApplicable: always.
    """
    raise NotApplicable("no FPGA can be driven from here", hint="no framework of this version runs on one")

"""An FPGA: a Lattice ECP5, simulated cycle by cycle, and placed and routed for."""

from __future__ import annotations

from typing import Final

from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.interfaces.target import Machine
from pytest_mlmodelscope.targets._local import slug

#: The largest of the family and its slowest grade: the device for which open tools place and route.
_DEVICE: Final = "LFE5U-85F-6"
#: Its memory is 208 blocks of 18 kbit.
_BLOCKS, _BLOCK_BITS = 208, 18_432


def admits(hardware: Hardware) -> bool:
    """A claim about FPGAs, or one that names no device."""
    return hardware.device in (None, "fpga")


def probe() -> Machine:
    """The device as the tools know it: whether they can be had here, the framework's environment says."""
    return Machine(
        machine_class=f"fpga-simulated-{slug(_DEVICE)}",
        device="fpga",
        arch="ecp5",
        name=_DEVICE,
        memory=_BLOCKS * _BLOCK_BITS // 8,
        nature="simulated",
    )

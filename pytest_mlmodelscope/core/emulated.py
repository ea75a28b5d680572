"""Processors that are emulated here: what the kernel, Debian and qemu call them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_mlmodelscope.core.debian import Lacking, mirror, missing_tool


@dataclass(frozen=True, slots=True)
class Processor:
    """An emulated processor. ``arch`` is the kernel's word, ``debian`` that of Debian's packages,
    ``program`` the emulator, ``model`` the one that it is told to be: another has other bits. ``told``
    is what the kernel would say of each of its cores, ``microarchitecture`` archspec's word.
    """

    arch: str
    debian: str
    program: str
    model: str
    name: str
    told: str
    microarchitecture: str

    @property
    def platform(self) -> str:
        """As Python's packages call such a machine."""
        return f"linux-{self.arch}"


_ARM: Final = """\
processor\t: {number}
BogoMIPS\t: 100.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3
"""
_POWER: Final = """\
processor\t: {number}
cpu\t\t: POWER9, altivec supported
clock\t\t: 1000.000000MHz
revision\t: 2.0 (pvr 004e 1200)
"""

#: Debian's release whose packages an emulated machine consists of: one, so that it is the same everywhere.
RELEASE: Final = "bookworm"
#: The Python of that release.
PYTHON: Final = "3.11"
#: The package of that release which has the emulators, none of which needs a library.
EMULATORS: Final = "qemu-user-static"

PROCESSORS: Final = {
    found.platform: found
    for found in (
        Processor("aarch64", "arm64", "qemu-aarch64-static", "cortex-a72", "ARM Cortex-A72", _ARM, "cortex_a72"),
        Processor("ppc64le", "ppc64el", "qemu-ppc64le-static", "power9", "IBM POWER9", _POWER, "power9le"),
    )
}


def lacking() -> Lacking | None:
    """Why no processor can be emulated here; None where one can. Nothing is fetched for that."""
    if (tool := missing_tool()) is not None:
        return tool
    if mirror() is None:
        return Lacking("no package source of apt is Debian's", "add Debian's main archive to the sources of apt")
    return None

"""Processors of other architectures: this machine's own where it is one, else emulated ones."""

from __future__ import annotations

from pytest_mlmodelscope.core.emulated import EMULATORS, PROCESSORS, RELEASE, lacking
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.interfaces.target import Machine
from pytest_mlmodelscope.targets._local import arch, local_cpu


def cpu_of(wanted: str) -> Machine:
    """This machine's processor where its architecture is the wanted one, else one that is emulated.

    Nothing is fetched to find that out. The memory is this machine's either way, in bytes.

    Raises:
        NotApplicable: it is of another architecture, and none can be emulated.
    """
    if arch() == wanted:
        return local_cpu()
    if (missing := lacking()) is not None:
        raise NotApplicable(
            f"this machine is {arch()}, not {wanted}, and cannot emulate one: {missing.what}",
            hint=f"{missing.hint}; or run the same command on a machine that is {wanted}",
        )
    return _emulated(wanted)


def _emulated(wanted: str) -> Machine:
    processor = PROCESSORS[f"linux-{wanted}"]
    return Machine(
        machine_class=f"{wanted}-emulated-{processor.model}",
        device="cpu",
        arch=wanted,
        name=processor.name,
        memory=local_cpu().memory,
        facts={
            "emulator": f"{EMULATORS} of Debian {RELEASE}",
            "model": processor.model,
            "emulated_on": arch(),
            "microarchitecture": processor.microarchitecture,
        },
        nature="emulated",
    )

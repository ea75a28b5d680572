"""Targets: the machine classes that a case can run on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from pytest_mlmodelscope.core.claim import NOTHING, Hardware
from pytest_mlmodelscope.core.framework import Nature, Place


@dataclass(frozen=True, slots=True)
class Machine:
    """What a target is here: its class (the name of its baselines' folder) and its facts.

    ``memory`` is in bytes; ``name`` is the processor's or the device's own. Of an *emulated* or
    *simulated* machine the answers count, the seconds that they take do not. ``unit`` tells the devices
    of one machine apart (a GPU's UUID), and ``variables`` are what a worker gets so that it uses that one.
    ``address`` is where another machine is.
    """

    machine_class: str
    device: str
    arch: str
    name: str
    memory: int
    facts: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    nature: Nature = "hardware"
    unit: str = ""
    variables: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    address: str = ""

    @property
    def identity(self) -> dict[str, str | int]:
        """What a result says of the machine that it was measured on."""
        told = ("machine_class", "device", "arch", "name", "memory", "nature", "unit")
        return {key: getattr(self, key) for key in told}

    @property
    def place(self) -> Place:
        """Where frameworks run there: a simulated device is driven by programs of this machine."""
        if self.nature == "emulated":
            return Place(self.device, f"linux-{self.arch}", self.nature)
        if self.address:
            return Place(self.device, f"linux-{self.arch}", self.nature, self.address)
        return Place(self.device, nature=self.nature, capability=self.facts.get("compute_capability") or "")


#: What a device does at a moment, by name: numbers with their unit in the name, a counter ``energy_j``, and
#: ``throttled``, words for what makes it slower than it was set to.
Reading = Mapping[str, Any]


class Target(Protocol):
    """One file in ``targets/``."""

    def admits(self, hardware: Hardware) -> bool:
        """Whether a claim that asks for this hardware may be meant for this kind of target.

        Looks at kinds only (device, architecture), never at the machine.
        """

    def probe(self) -> Machine:
        """The machine behind this target.

        Raises:
            NotApplicable: there is none here; says what is missing and what would change that.
        """


class Several(Target, Protocol):
    """A target of which a machine may have more than one, as of GPUs."""

    def machines(self) -> Sequence[Machine]:
        """All of them, in the order in which a claim's hardware is looked for; ``probe`` gives the first.

        Raises:
            NotApplicable: as ``probe`` does.
        """


class Addressed(Target, Protocol):
    """A kind of target whose machines have addresses: ``--mlms-target KIND://WHERE`` means one of them."""

    def at(self, address: str) -> Target:
        """The machine at an address, which begins with the kind's name and ``://``; asks it nothing yet.

        Raises:
            UsageError: it is no address.
        """


class Watched(Target, Protocol):
    """A target whose device can be looked at while it is timed."""

    def watching(self, machine: Machine) -> AbstractContextManager[Callable[[], Reading]]:
        """Gives what reads the device, quickly and as often as one likes."""

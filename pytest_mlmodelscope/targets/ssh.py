"""The processor of another machine, named by its address: ssh://USER@HOST."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.interfaces.target import Machine
from pytest_mlmodelscope.remote.address import normal
from pytest_mlmodelscope.targets._features import microarchitecture_of
from pytest_mlmodelscope.targets._local import cpu_name, features, kernel_arch, slug

#: What of a machine's facts is part of a record.
_TOLD = ("sockets", "cores", "threads", "caches", "os", "kernel", "python", "governor", "load_average", "node")


def admits(hardware: Hardware) -> bool:
    """A claim about processors of any architecture, or about no device at all."""
    return hardware.device in (None, "cpu")


def probe() -> Machine:
    """No machine is meant where none is named.

    Raises:
        NotApplicable: always.
    """
    raise NotApplicable("no machine is named", hint="name one that ssh reaches: --mlms-target ssh://USER@HOST")


def at(address: str) -> Other:
    """The machine at an address, as a target.

    Raises:
        UsageError: it is no address.
    """
    return Other(normal(address))


@dataclass(frozen=True, slots=True)
class Other:
    """The processor of one other machine."""

    address: str

    def admits(self, hardware: Hardware) -> bool:
        """As the kind does."""
        return admits(hardware)

    def probe(self) -> Machine:
        """What that machine says of itself.

        Raises:
            RemoteError: it cannot be reached.
            EnvironmentUnavailable: it has no Python.
            NotApplicable: it is no Linux.
        """
        from pytest_mlmodelscope.remote.machine import remote

        facts = remote(self.address).facts
        if facts["system"] != "Linux":
            raise NotApplicable(f"{self.address} is no Linux", got=facts["system"], hint="name a machine that is one")
        arch = kernel_arch(facts["arch"])
        told, family = facts["cpuinfo"], microarchitecture_of(arch, facts["cpuinfo"])
        name = "".join(filter(str.isprintable, cpu_name(told, arch, facts["processor"], family or arch)))
        return Machine(
            machine_class=f"{arch}-cpu-{slug(name)}",
            device="cpu",
            arch=arch,
            name=name,
            memory=facts["memory"],
            facts={
                "address": self.address,
                "microarchitecture": family,
                "features": features(told),
                **{key: facts[key] for key in _TOLD},
            },
            address=self.address,
        )

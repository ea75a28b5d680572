"""What every target promises, as tests: subclass ``TargetTests`` and name the target.

class TestMine(TargetTests):
    target = "mine"
    of = Hardware(arch="riscv64")
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.target import Machine
from pytest_mlmodelscope.testing._member import DescribedTests

#: What claims ask for, of all kinds.
_HARDWARE = (
    Hardware(),
    *(Hardware(device=device) for device in ("cpu", "gpu", "fpga")),
    *(Hardware(arch=arch) for arch in ("x86_64", "aarch64", "ppc64le")),
)


class TargetTests(DescribedTests):
    """One test a rule. ``target`` is the registered name, or the module (or object) itself.

    ``of`` is hardware that the target is for. The rules hold on machines with and without it.
    """

    target: ClassVar[Any]
    of: ClassVar[Hardware]

    def module(self) -> Any:
        """The target under test."""
        return member("targets", self.target) if isinstance(self.target, str) else self.target

    def probed(self) -> Machine | NotApplicable:
        """The machine, or why there is none."""
        try:
            machine = self.module().probe()
        except NotApplicable as error:
            return error
        assert isinstance(machine, Machine), f"expected a Machine, got {type(machine).__name__}"
        return machine

    def test_it_is_for_the_hardware_that_it_says(self) -> None:
        """A claim about it must find it."""
        assert self.module().admits(self.of) is True

    def test_it_answers_for_every_hardware(self) -> None:
        """With yes or no, whatever this machine is."""
        assert all(isinstance(self.module().admits(hardware), bool) for hardware in _HARDWARE)

    def test_it_is_not_for_all_hardware(self) -> None:
        """Else every claim would be taken for one about it."""
        assert not all(self.module().admits(hardware) for hardware in (*_HARDWARE, Hardware(arch="no such")))

    def test_a_machine_is_described_in_full(self) -> None:
        """Its class is the name of a folder; device, architecture, name and memory are what claims ask for."""
        machine = self.probed()
        if isinstance(machine, Machine):
            assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", machine.machine_class), "the class is no plain folder's name"
            assert all((machine.device, machine.arch, machine.name)), "device, architecture or name is missing"
            assert machine.memory > 2**18, "memory is in bytes"

    def test_a_machine_that_is_not_here_is_explained(self) -> None:
        """With what is missing and what would change that."""
        missing = self.probed()
        if isinstance(missing, NotApplicable):
            assert len(missing.what) > 10
            assert missing.hint, "the refusal has no hint"

    def test_it_finds_the_same_again(self) -> None:
        """Baselines are kept by the machine's class."""
        first, again = self.probed(), self.probed()
        assert str(first) == str(again)

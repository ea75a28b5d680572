"""Every built-in target keeps the rules, and a fake that breaks one is noticed."""

import pytest

from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.interfaces.target import Machine
from pytest_mlmodelscope.testing.targets import TargetTests


class TestCpu(TargetTests):
    target = "cpu"
    of = Hardware()


class TestGpu(TargetTests):
    target = "gpu"
    of = Hardware(device="gpu")


class TestFpga(TargetTests):
    target = "fpga"
    of = Hardware(device="fpga")


class TestArm(TargetTests):
    target = "arm"
    of = Hardware(arch="aarch64")


class TestPpc(TargetTests):
    target = "ppc"
    of = Hardware(arch="ppc64le")


class TestSsh(TargetTests):
    target = "ssh"
    of = Hardware(device="cpu")


SUITES = (TestCpu, TestGpu, TestFpga, TestArm, TestPpc, TestSsh)


def test_every_target_has_a_suite():
    assert sorted(suite.target for suite in SUITES) == list(names("targets"))


class Fake:
    """A target that keeps every rule, save those that a test breaks."""

    def __init__(self, **breaks):
        self.__doc__ = breaks.pop("doc", self.__doc__)
        self.admitted = breaks.pop("admitted", lambda hardware: hardware.arch == "riscv64")
        self.missing = breaks.pop("missing", None)
        self.facts = {
            "machine_class": "riscv64-cpu-fake",
            "device": "cpu",
            "arch": "riscv64",
            "name": "Fake",
            "memory": 2**33,
            **breaks,
        }
        self.asked = 0

    def admits(self, hardware):
        return self.admitted(hardware)

    def probe(self):
        self.asked += 1
        if self.missing is not None:
            raise self.missing
        facts = {name: value() if callable(value) else value for name, value in self.facts.items()}
        return Machine(**facts)


def broken_rules(fake):
    suite = type("Suite", (TargetTests,), {"target": fake, "of": Hardware(arch="riscv64")})()
    broken = []
    for name in dir(suite):
        if name.startswith("test_"):
            try:
                getattr(suite, name)()
            except AssertionError:
                broken.append(name)
    return broken


def counted():
    numbers = iter(range(100))
    return lambda: f"Fake {next(numbers)}"


@pytest.mark.parametrize(
    ("breaks", "rule"),
    [
        ({"doc": ""}, "test_it_says_what_it_is"),
        ({"admitted": lambda hardware: False}, "test_it_is_for_the_hardware_that_it_says"),
        ({"admitted": lambda hardware: hardware.arch == "riscv64" or None}, "test_it_answers_for_every_hardware"),
        ({"admitted": lambda hardware: True}, "test_it_is_not_for_all_hardware"),
        ({"machine_class": "RISC V/64"}, "test_a_machine_is_described_in_full"),
        ({"name": ""}, "test_a_machine_is_described_in_full"),
        ({"memory": 16}, "test_a_machine_is_described_in_full"),
        ({"missing": NotApplicable("no such machine here")}, "test_a_machine_that_is_not_here_is_explained"),
        ({"name": counted()}, "test_it_finds_the_same_again"),
    ],
)
def test_a_broken_target_fails_just_the_rule_that_it_breaks(breaks, rule):
    assert broken_rules(Fake(**breaks)) == [rule]


def test_a_target_that_keeps_every_rule_passes():
    assert broken_rules(Fake()) == []
    assert broken_rules(Fake(missing=NotApplicable("no such machine here", hint="run it on one"))) == []

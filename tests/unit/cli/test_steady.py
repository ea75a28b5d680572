"""What makes times unsteady, in the lines of ``mlms doctor``."""

import os

import pytest

from pytest_mlmodelscope.cli import steady
from pytest_mlmodelscope.remote.there import look
from pytest_mlmodelscope.verdict.disturbance import Other, Readings

CPUS = "/sys/devices/system/cpu"
LINKER = Other("ld", 7, 0.5)
STEADY = {
    "governors": ["performance"], "turbo": {f"{CPUS}/cpufreq/boost": False}, "siblings": False, "virtual": False,
    "quota": None, "pressure": True, "swap": 0, "paranoid": 1, "hot": True,
}  # fmt: skip


@pytest.fixture
def found(monkeypatch):
    """The findings by name on a machine that is set up so: ``found(governors=["powersave"])``."""
    monkeypatch.setattr(steady, "LOOKS", 0.0)

    def examine(others=0.0, top=(), cores=None, **changes):
        monkeypatch.setattr(look, "settings", lambda root: {**STEADY, **changes})
        if cores is not None:
            monkeypatch.setattr(look, "cores", lambda root="/": cores)
        readings = Readings(seconds=1.0, cores=2, machine=2, beside_s=others, top=top)
        monkeypatch.setattr(steady, "between", lambda before, after: readings)
        return {one.name: one for one in steady.findings()}

    return examine


def test_a_machine_that_is_set_up_for_it_is_steady(found, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    states = {name: one.state for name, one in found().items() if name != "counters"}
    assert set(states.values()) == {"here"}, states
    assert len(states) == 10


@pytest.mark.parametrize(
    ("name", "changes", "what", "get"),
    [
        ("governor", {"governors": ["powersave", "schedutil"]}, "powersave, schedutil: the clock follows", "cpupower"),
        ("turbo", {"turbo": {f"{CPUS}/cpufreq/boost": True}}, "on: ", f"echo 0 | sudo tee {CPUS}/cpufreq/boost"),
        ("turbo", {"turbo": {f"{CPUS}/intel_pstate/no_turbo": True}}, "on: ", "echo 1 | sudo tee "),
        ("siblings", {"siblings": True}, "two cores share each place", f"echo off | sudo tee {CPUS}/smt/control"),
        ("quota", {"quota": 1.5}, "stops what takes more than 1.5 cores", "--cpus"),
        ("memory", {"swap": 2 * 10**9}, "2,000 MB are in swap", "sudo swapoff --all"),
        ("hypervisor", {"virtual": True, "cores": {"0": [90.0, 10.0]}}, "took 10.0% of what its cores", "hardware"),
        ("others", {"others": 0.5, "top": (LINKER,)}, "others take 25% of the machine just now: ld[7]", "end"),
    ],
)  # fmt: skip
def test_what_makes_times_unsteady_comes_with_the_line_that_changes_it(found, name, changes, what, get):
    one = found(**changes)[name]
    assert one.state == "unsteady"
    assert what in one.what
    assert get in one.get


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("governor", {"governors": None}),
        ("turbo", {"turbo": None}),
        ("siblings", {"siblings": None}),
        ("memory", {"swap": None}),
        ("pressure", {"pressure": False}),
        ("temperature", {"hot": False}),
        ("hypervisor", {"virtual": None}),
        ("hypervisor", {"virtual": True, "cores": {"0": [90.0, None]}}),
        ("others", {"others": None}),
    ],
)
def test_what_is_not_told_is_unknown_and_not_good(found, name, changes):
    assert found(**changes)[name].state == "unknown"


def test_a_hypervisor_that_takes_little_does_not_matter(found):
    assert found(virtual=True, cores={"0": [99.0, 1.0]})["hypervisor"].state == "here"


def test_a_single_core_is_everybodys(found, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3})
    assert found()["cores"].state == "unsteady"


def test_this_machine_says_all_of_it():
    names = [one.name for one in steady.findings()]
    assert names == [
        "cores", "governor", "turbo", "siblings", "quota", "memory", "pressure", "temperature", "hypervisor", "others",
        "counters",
    ]  # fmt: skip

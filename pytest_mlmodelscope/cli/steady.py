"""What makes timed figures unsteady on this machine, for ``mlms doctor``: how it is set up, and who else is at work."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pytest_mlmodelscope.cli.doctor import Finding
from pytest_mlmodelscope.remote.there import look
from pytest_mlmodelscope.verdict.disturbance import BESIDE, TAKEN, Readings, between

#: Seconds for which the machine is looked at, to see who else is at work.
LOOKS: Final = 0.5
_SECTION: Final = "timing"
_CPUS: Final = "/sys/devices/system/cpu"


def findings(root: str = "/") -> Iterator[Finding]:
    """Each thing that matters for timing; ``root`` is where ``proc`` and ``sys`` are."""
    setup, before = look.settings(root), look.look(os.getpid(), root)
    time.sleep(LOOKS)
    after = look.look(os.getpid(), root)
    yield _cores(sorted(os.sched_getaffinity(0)))
    for finding in (_governor, _turbo, _siblings, _quota, _memory, _pressure, _temperature):
        yield finding(setup)
    yield _hypervisor(setup, after)
    yield _others(between(before, after))
    yield _counters()


def _here(name: str, what: str) -> Finding:
    return Finding(_SECTION, name, "here", what)


def _unsteady(name: str, what: str, get: str) -> Finding:
    return Finding(_SECTION, name, "unsteady", what, get)


def _untold(name: str, what: str, get: str | None = None) -> Finding:
    return Finding(_SECTION, name, "unknown", what, get)


def _cores(allowed: Sequence[int]) -> Finding:
    if len(allowed) == 1:
        what = "one core is all there is: whatever else runs takes it from the worker"
        return _unsteady("cores", what, "allow more of them: taskset, cpuset, or a larger machine")
    return _here("cores", f"a worker of fewer than {len(allowed)} threads gets cores of its own")


def _governor(setup: Mapping[str, Any]) -> Finding:
    governors = setup["governors"]
    if governors is None:
        return _untold("governor", "the kernel does not say what sets the clock")
    if governors == ["performance"]:
        return _here("governor", "performance: the clock does not follow the load")
    what = f"{', '.join(governors)}: the clock follows the load"
    return _unsteady("governor", what, "sudo cpupower frequency-set --governor performance")


def _turbo(setup: Mapping[str, Any]) -> Finding:
    if setup["turbo"] is None:
        return _untold("turbo", "the kernel does not say whether the clock depends on temperature and neighbours")
    on = [path for path, is_on in setup["turbo"].items() if is_on]
    if not on:
        return _here("turbo", "off: the clock does not depend on temperature and neighbours")
    what = "on: the clock depends on temperature, and on how many cores are at work"
    off = 1 if on[0].endswith("no_turbo") else 0
    return _unsteady("turbo", what, f"echo {off} | sudo tee {on[0]}")


def _siblings(setup: Mapping[str, Any]) -> Finding:
    if setup["siblings"] is None:
        return _untold("siblings", "the kernel does not say which cores share a place in the processor")
    if not setup["siblings"]:
        return _here("siblings", "no two cores share a place in the processor")
    what = "two cores share each place in the processor: what runs on one slows down the other"
    return _unsteady("siblings", what, f"echo off | sudo tee {_CPUS}/smt/control")


def _quota(setup: Mapping[str, Any]) -> Finding:
    if setup["quota"] is None:
        return _here("quota", "no control group stops a worker that takes much")
    what = f"a control group stops what takes more than {setup['quota']:g} cores"
    return _unsteady("quota", what, "run it where nothing does: of a container, without --cpus")


def _memory(setup: Mapping[str, Any]) -> Finding:
    if setup["swap"] is None:
        return _untold("memory", "the kernel does not say what is in swap")
    if setup["swap"] < 2**20:
        return _here("memory", "nothing is in swap")
    return _unsteady("memory", f"{setup['swap'] / 1e6:,.0f} MB are in swap", "sudo swapoff --all")


def _pressure(setup: Mapping[str, Any]) -> Finding:
    if setup["pressure"]:
        return _here("pressure", "the kernel counts who waits for memory")
    return _untold("pressure", "the kernel does not count who waits for memory", "boot it with psi=1")


def _temperature(setup: Mapping[str, Any]) -> Finding:
    if setup["hot"]:
        return _here("temperature", "the kernel counts how often a core is too hot")
    return _untold("temperature", "the kernel does not count how often a core is too hot")


def _hypervisor(setup: Mapping[str, Any], now: Mapping[str, Any]) -> Finding:
    if setup["virtual"] is None:
        return _untold("hypervisor", "the kernel does not say whether there is one")
    if not setup["virtual"]:
        return _here("hypervisor", "none: nobody takes the cores from the kernel")
    told = [(busy, stolen) for busy, stolen in now["cores"].values() if stolen is not None]
    if not told:
        what = "a virtual machine, whose hypervisor does not say what it takes"
        return _untold("hypervisor", what, "run it on hardware of its own")
    taken = sum(stolen for _, stolen in told) / max(sum(busy + stolen for busy, stolen in told), 1e-9)
    what = f"a virtual machine: its hypervisor took {taken:.1%} of what its cores had to do"
    if taken <= TAKEN:
        return _here("hypervisor", what)
    return _unsteady("hypervisor", what, "run it on hardware of its own")


def _others(readings: Readings) -> Finding:
    if readings.beside_s is None:
        return _untold("others", "the kernel does not say what else is at work")
    share = readings.beside_s / (readings.machine * readings.seconds)
    by = ", ".join(f"{other.name}[{other.pid}]" for other in readings.top)
    what = f"others take {share:.0%} of the machine just now"
    if share <= BESIDE:
        return _here("others", what)
    return _unsteady("others", f"{what}: {by}" if by else what, "wait for them, or end them")


def _counters() -> Finding:
    from pytest_mlmodelscope.worker import counting

    try:
        counting.OfProcessor(counting.INSTRUCTIONS)
    except counting.Uncounted as error:
        return Finding(_SECTION, "counters", "not here", str(error), error.hint)
    return _here("counters", "the processor counts the instructions of a query")

"""Which cores a timed worker gets."""

import os
import subprocess
import sys

import pytest

from pytest_mlmodelscope.agent import pinning
from pytest_mlmodelscope.agent.pinning import Pinning, chosen

#: Two processors of two places with two cores each.
SERVER = {str(core): [str(core // 4), f"{core // 4}:{core // 2}", 3000] for core in range(8)}
#: Two quick places, and two that save power.
HYBRID = {"0": ["0", "0:0", 4800], "1": ["0", "0:1", 4700], "2": ["0", "0:2", 3200], "3": ["0", "0:3", 3200]}
PLAIN = {str(core): ["0", f"0:{core}", 0] for core in range(4)}


def busy(**cores):
    return {int(name[1:]): seconds for name, seconds in cores.items()}


@pytest.mark.parametrize(
    ("threads", "topology", "load", "cores"),
    [
        (1, PLAIN, busy(c0=0.1, c1=0.9, c2=0.0, c3=0.4), (2,)),
        (2, PLAIN, busy(c0=0.1, c1=0.9, c2=0.0, c3=0.4), (0, 2)),
        # Where all are idle, not the first, which has most interrupts.
        (1, PLAIN, {}, (3,)),
        # A busy sibling is a busy place; of an idle place the idler core.
        (1, SERVER, busy(c0=0.5, c2=0.5, c4=0.5, c7=0.1), (6,)),
        (1, {core: SERVER[core] for core in "0123"}, busy(c1=0.9, c2=0.2, c3=0.1), (3,)),
        # No two in one place, and both of one processor.
        (2, SERVER, busy(c0=0.1, c2=0.1, c4=0.0, c6=0.3), (1, 3)),
        (2, SERVER, busy(c0=0.2, c2=0.2, c4=0.1, c6=0.1), (5, 7)),
        (3, SERVER, busy(c0=0.9), (2, 4, 6)),
        # Those that save power are the last choice.
        (1, HYBRID, busy(c0=0.5, c1=0.4), (1,)),
        (3, HYBRID, busy(c3=0.1), (0, 1, 2)),
    ],
)
def test_the_least_busy_places_are_chosen(threads, topology, load, cores):
    assert chosen(threads, sorted(map(int, topology)), topology, load) == cores


@pytest.mark.parametrize(("threads", "topology"), [(None, PLAIN), (4, PLAIN), (9, PLAIN), (5, SERVER)])
def test_all_cores_are_for_those_who_want_them(threads, topology):
    assert chosen(threads, sorted(map(int, topology)), topology, {}) == ()


def test_only_allowed_cores_are_chosen_also_where_nothing_is_told_of_them():
    assert chosen(1, [1, 2], PLAIN, busy(c1=0.5)) == (2,)
    assert chosen(2, [4, 5, 6], {}, busy(c5=0.1)) == (4, 6)


@pytest.fixture
def idle(monkeypatch):
    """Cores that are all idle, and of which nobody waits to see that."""
    monkeypatch.setattr(pinning, "LOOKS", 0.0)


def affinity():
    code = "import os; print(sorted(os.sched_getaffinity(0)))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_what_is_started_inside_has_the_cores_and_this_process_keeps_its_own(idle):
    before = os.sched_getaffinity(0)
    found = Pinning()
    with found.held(1):
        inside = affinity()
    wanted = list(found.last) or sorted(before)  # on a machine with one core there is no choice
    assert inside == str(wanted)
    assert len(wanted) == 1
    assert os.sched_getaffinity(0) == before


def test_the_next_worker_gets_the_same_cores_and_after_a_drop_they_are_chosen_anew(idle, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2})
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, cores: None)
    answers = iter([(1,), (2,)])
    monkeypatch.setattr(pinning, "chosen", lambda *_: next(answers))
    found, seen = Pinning(), []
    for drop in (False, False, True):
        if drop:
            found.drop()
        with found.held(1):
            seen.append(found.last)
    assert seen == [(1,), (1,), (2,)]


def test_without_the_wish_nothing_is_pinned(idle):
    found = Pinning(wanted=False)
    before = affinity()
    with found.held(1):
        assert affinity() == before
    assert found.last == ()


def test_cores_are_restored_when_a_worker_cannot_be_started(idle):
    before = os.sched_getaffinity(0)
    with pytest.raises(KeyError), Pinning().held(1):
        {}["nothing"]
    assert os.sched_getaffinity(0) == before

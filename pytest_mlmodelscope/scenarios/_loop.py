"""What load patterns share: the clock, the warm-up, waiting for a moment."""

import ctypes
import random
import time
from contextlib import contextmanager
from typing import Any, Iterator

clock = getattr(time, "perf_counter_ns", None) or (lambda: int(time.perf_counter() * 1e9))

#: A process that sleeps is woken some hundredths of a millisecond late, so for so long it does not sleep. (It does
#: before: one that never sleeps is the first that has to give way to others.)
_SPIN_NS = 60 * 1000
#: The kernel's number of the call that says how late it may wake a thread; it takes 50 microseconds otherwise.
_PR_SET_TIMERSLACK = 29
#: Arrivals that are drawn at most: more would not fit into memory, and no Python issues so many.
_MOST_ARRIVALS = 20 * 1000 * 1000


def warm_up(query: "Any", settings: "Any", calls: int = 1) -> None:
    """Run the untimed queries of so many ``calls`` each, but no longer than a whole run may last."""
    limit = clock() + int(settings["max_seconds"] * 1e9)
    for index in range(settings["warmup"] * calls):
        query(index)
        if clock() > limit:
            break


def arrivals(rate: float, seed: int, settings: "Any") -> "list[int]":
    """When queries arrive, in nanoseconds from the start: a Poisson process of ``rate`` queries a second.

    There are ``min_queries``, and as many more as the last of them needs to arrive after ``min_seconds``; none
    arrives after ``max_seconds``, save the first. The same seed gives the same ones under every Python.
    """
    gap = random.Random(seed).expovariate  # noqa: S311  # arrivals are no secret
    least, enough, limit = settings["min_queries"], settings["min_seconds"], settings["max_seconds"]
    found = []  # type: list[int]
    at = 0.0
    while (len(found) < least or at < enough) and len(found) < _MOST_ARRIVALS:
        at += gap(rate)
        if found and at > limit:
            break
        found.append(int(at * 1e9))
    return found


def wait_until(due: int) -> int:
    """Sleep, then spin until the clock shows ``due``; what it shows then, which is never before."""
    now = clock()
    if due - now > _SPIN_NS:
        time.sleep((due - now - _SPIN_NS) / 1e9)
        now = clock()
    while now < due:
        now = clock()
    return now


@contextmanager
def woken_in_time() -> "Iterator[None]":
    """Meanwhile the kernel wakes this thread as soon as it can, where it has such a thing to be told."""
    _tell_slack(1)
    try:
        yield
    finally:
        _tell_slack(0)  # as it was


def _tell_slack(nanoseconds: int) -> None:
    try:
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(nanoseconds), 0, 0, 0)
    except (AttributeError, OSError):
        return

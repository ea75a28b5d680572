"""Which cores a timed worker gets: as many as it has threads, the least busy ones, none beside another in one place.

A thread that moves to another core leaves its caches behind, and two on one core, or in one place of a processor that
has several cores in each, halve each other. A worker whose threads nobody counted has all cores.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from pytest_mlmodelscope.remote.there import look

#: Seconds for which the cores are looked at before some are chosen.
LOOKS: Final = 0.2
#: Cores whose quickest clocks differ by less than this share are of one kind.
_ONE_KIND: Final = 0.15


def chosen(
    threads: int | None, allowed: Sequence[int], topology: Mapping[str, Sequence[Any]], busy: Mapping[int, float]
) -> tuple[int, ...]:
    """The cores for so many threads, in order; empty where the worker had better have all that are allowed.

    ``topology`` is that of ``look.topology``, ``busy`` the seconds in which each core was at work lately.
    """
    if threads is None or threads >= len(allowed):
        return ()
    places: dict[str, list[int]] = {}
    for core in allowed:
        places.setdefault(_place(topology, core), []).append(core)
    if threads > len(places):
        return ()
    ranked = sorted(places.values(), key=lambda cores: _rank(cores, topology, busy, _quickest(topology, allowed)))
    together = _of_one_processor(ranked, threads, topology)
    return tuple(sorted(min(cores, key=lambda core: busy.get(core, 0.0)) for cores in together))


def _place(topology: Mapping[str, Sequence[Any]], core: int) -> str:
    return str(topology[str(core)][1]) if str(core) in topology else f"core {core}"


def _quickest(topology: Mapping[str, Sequence[Any]], allowed: Sequence[int]) -> int:
    return max((topology[str(core)][2] for core in allowed if str(core) in topology), default=0)


def _rank(
    cores: Sequence[int], topology: Mapping[str, Sequence[Any]], busy: Mapping[int, float], quickest: int
) -> tuple[bool, float, int]:
    """Quick places before those that save power, then the least busy; the first core has most interrupts."""
    slow = _quickest(topology, cores) < (1 - _ONE_KIND) * quickest
    return slow, sum(busy.get(core, 0.0) for core in cores), -min(cores)


def _of_one_processor(
    ranked: Sequence[list[int]], threads: int, topology: Mapping[str, Sequence[Any]]
) -> Sequence[list[int]]:
    """The best places of the processor whose best are found first; of all where none has enough."""
    by_processor: dict[str, list[list[int]]] = {}
    for cores in ranked:
        mine = by_processor.setdefault(str(topology.get(str(cores[0]), [""])[0]), [])
        mine.append(cores)
        if len(mine) == threads:
            return mine
    return ranked[:threads]


class Pinning:
    """The cores of the workers of one case, by their threads: chosen for the first worker of so many, kept for the
    next, and chosen anew after a ``drop``. Without ``wanted`` all workers have all cores.
    """

    def __init__(self, wanted: bool = True) -> None:
        self._wanted = wanted
        self._since = time.monotonic(), look.cores()
        self._cores: dict[int, tuple[int, ...]] = {}
        #: Those of the worker that was started last; empty: all that this process may use.
        self.last: tuple[int, ...] = ()

    def drop(self) -> None:
        """Choose others for the next worker, if others are less busy by then."""
        self._since = time.monotonic(), look.cores()
        self._cores.clear()

    @contextmanager
    def held(self, threads: int | None) -> Iterator[None]:
        """A worker that is started in here gets the cores: a process begins with those of the thread that starts it."""
        before = os.sched_getaffinity(0)
        self.last = self._of(threads, sorted(before))
        with suppress(OSError):  # a core that was switched off in between: then all of them
            os.sched_setaffinity(0, self.last or before)
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)

    def _of(self, threads: int | None, allowed: Sequence[int]) -> tuple[int, ...]:
        if not self._wanted or threads is None or threads >= len(allowed):
            return ()
        if threads not in self._cores:
            self._cores[threads] = chosen(threads, allowed, look.topology(), self._busy())
        return self._cores[threads]

    def _busy(self) -> dict[int, float]:
        """Seconds for which each core was at work since the last ``drop``."""
        began, before = self._since
        time.sleep(max(0.0, began + LOOKS - time.monotonic()))
        return {int(core): _worked(before.get(core, now), now) for core, now in look.cores().items()}


def _worked(before: Sequence[float | None], now: Sequence[float | None]) -> float:
    return sum((new or 0.0) - (old or 0.0) for old, new in zip(before, now, strict=True))

"""What a device does while a worker is timed: read by the host, which waits meanwhile, before, during and after."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any, Final, Self

from pytest_mlmodelscope.interfaces.target import Machine, Reading
from pytest_mlmodelscope.targets import named

#: Seconds between two readings: enough of them in a short run, too few to be seen in a figure.
EVERY: Final = 0.2
#: A counter that only grows: what a run took is the difference.
_GROWS: Final = "energy_j"
_SLOWED: Final = "throttled"


class Watch:
    """Readings of a device, taken while this is entered; it may be entered several times."""

    def __init__(self, read: Callable[[], Reading], every: float = EVERY) -> None:
        self._read = read
        self._every = every
        self._runs: list[list[Reading]] = []
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._over.clear()
        self._runs.append([self._read()])
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self._runs[-1].append(self._read())

    def _look(self) -> None:
        while not self._over.wait(self._every):
            self._runs[-1].append(self._read())

    def summary(self) -> dict[str, Any]:
        """Least, median and largest of each figure, ``energy_j`` of all runs together, and by what it was
        ``throttled``; empty where there was nothing to read.
        """
        readings = [reading for run in self._runs for reading in run if reading]
        if not readings:
            return {}
        names = dict.fromkeys(name for reading in readings for name in reading if name not in (_GROWS, _SLOWED))
        figures = {name: _spread([reading[name] for reading in readings if name in reading]) for name in names}
        slowed = sorted({reason for reading in readings for reason in reading.get(_SLOWED, ())})
        return {"readings": len(readings), **figures, **self._energy(), _SLOWED: slowed}

    def _energy(self) -> dict[str, float]:
        counted = [[reading[_GROWS] for reading in (run[0], run[-1]) if _GROWS in reading] for run in self._runs]
        if not all(len(ends) == 2 for ends in counted):
            return {}
        return {_GROWS: sum(ends[1] - ends[0] for ends in counted)}


def _spread(values: list[float]) -> dict[str, float]:
    return {"min": min(values), "median": median(values), "max": max(values)}


@contextmanager
def watch(target: str, machine: Machine) -> Iterator[Watch]:
    """A watch on a machine; one that sees nothing where its target cannot be watched."""
    watching = getattr(named(target), "watching", None)
    if watching is None:
        yield Watch(dict)
        return
    with watching(machine) as read:
        yield Watch(read)

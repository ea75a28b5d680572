"""What a machine does while a worker is timed: read by the host, which waits meanwhile, before, during and after.

The device is read several times a second, in a thread. At the machine around it two looks are taken of each process
run, one before and one after it; what they say decides whether the run is used, repeated or marked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from statistics import median
from typing import Any, Final, Literal, Self

from pytest_mlmodelscope.agent.care import USUAL, Care, Disturbed
from pytest_mlmodelscope.agent.pinning import Pinning
from pytest_mlmodelscope.core.claim import NOTHING
from pytest_mlmodelscope.interfaces.target import Machine, Reading
from pytest_mlmodelscope.remote.there import look as here
from pytest_mlmodelscope.targets import named
from pytest_mlmodelscope.verdict.disturbance import Readings, between, disturbances, unknown

#: Seconds between two readings: enough of them in a short run, too few to be seen in a figure.
EVERY: Final = 0.2
#: How many disturbed runs of one case are repeated; the others are marked.
REPEATS: Final = 3
#: A counter that only grows: what a run took is the difference.
_GROWS: Final = "energy_j"
_SLOWED: Final = "throttled"
_CLOCKS: Final = ("clock_mhz", "sm_clock_mhz")

#: What a machine has done so far, with the worker of a process number, or of none where that is not known.
Look = Callable[[int | None], Mapping[str, Any]]


@dataclass(slots=True)
class Run:
    """One process run: what was read, why it is disturbed (empty: it is not), and what became of it.

    ``pinned`` are the cores that were chosen for its worker; empty: it had all.
    """

    pinned: tuple[int, ...] = ()
    readings: Readings | None = None
    why: tuple[str, ...] = ()
    use: Literal["used", "repeated", "marked", "ignored"] = "used"

    def record(self) -> dict[str, Any]:
        """As plain data."""
        head = {"use": self.use, "why": list(self.why), "pinned": list(self.pinned)}
        if self.readings is None:
            return head
        others = {"top": self.readings.top, "near": self.readings.near}
        return {**head, **asdict(self.readings), **{name: list(map(str, found)) for name, found in others.items()}}


class Watch:
    """Readings of a device, taken while this is entered; it may be entered several times.

    ``run`` is one process run, with a look at the machine before and after where there is one to take.
    ``disturbed`` is what becomes of a run that was. ``pinning`` has the cores of the workers.
    """

    def __init__(
        self,
        read: Callable[[], Reading],
        every: float = EVERY,
        look: Look | None = None,
        disturbed: Disturbed = "repeat",
        settings: Mapping[str, Any] = NOTHING,
        pin: bool = False,
    ) -> None:
        self._read = read
        self._every = every
        self._look_at = look
        self._disturbed = disturbed
        self._settings = settings
        self._left = REPEATS if disturbed == "repeat" else 0
        self._runs: list[list[Reading]] = []
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._spent = {"during_s": 0.0, "around_s": 0.0}
        self.runs: list[Run] = []
        self.pinning = Pinning(pin)

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
        self._spent["during_s"] += time.thread_time()

    # -- process runs ---------------------------------------------------------------------

    @contextmanager
    def run(self, pid: int | None) -> Iterator[Run]:
        """One process run of the worker with this process number; what was seen of it is there at the end."""
        found = Run(self.pinning.last)
        before = self._looked(pid)
        with self:
            yield found
        after = self._looked(pid)
        if before is not None and after is not None:
            found.readings = self._with_device(between(before, after))
            found.why = disturbances(found.readings, self._fastest())
        elif slowed := self._last_slowed():
            found.why = tuple(f"the device was slowed down: {reason}" for reason in slowed)
        self.runs.append(found)

    def _looked(self, pid: int | None) -> Mapping[str, Any] | None:
        if self._look_at is None:
            return None
        began = time.thread_time()
        try:
            return self._look_at(pid)
        finally:
            self._spent["around_s"] += time.thread_time() - began

    def _with_device(self, readings: Readings) -> Readings:
        # At both ends of a run the device has nothing to do, and its clock may be a slow one.
        busy = self._runs[-1][1:-1]
        clocks = [reading[name] for reading in busy for name in _CLOCKS if name in reading]
        warm = [reading["temperature_c"] for reading in self._runs[-1] if "temperature_c" in reading]
        return replace(
            readings,
            clock_mhz=median(clocks) if clocks else None,
            temperature_c=max(warm, default=None),
            throttled=self._last_slowed(),
        )

    def _last_slowed(self) -> tuple[str, ...]:
        return tuple(sorted({reason for reading in self._runs[-1] for reason in reading.get(_SLOWED, ())}))

    def _fastest(self) -> float | None:
        clocks = [run.readings.clock_mhz for run in self.runs if run.readings is not None]
        return max((clock for clock in clocks if clock is not None), default=None)

    def again(self, run: Run) -> bool:
        """Decide what becomes of a run: whether it is to be repeated."""
        if not run.why:
            return False
        if self._left:
            self._left -= 1
            run.use = "repeated"
            self.pinning.drop()
            return True
        self.mark(run)
        return False

    def mark(self, run: Run) -> None:
        """Say of a run that is used whether it was disturbed."""
        if run.why:
            run.use = "ignored" if self._disturbed == "ignore" else "marked"

    # -- what a record says ---------------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        """Least, median and largest of each figure, ``energy_j`` of all runs together, by what it was ``throttled``,
        each process run, how the machine is set up, and what it does not tell; empty where there was nothing to read.
        """
        readings = [reading for run in self._runs for reading in run if reading]
        if not readings and self._look_at is None:
            return {}
        names = dict.fromkeys(name for reading in readings for name in reading if name not in (_GROWS, _SLOWED))
        figures = {name: _spread([reading[name] for reading in readings if name in reading]) for name in names}
        slowed = sorted({reason for reading in readings for reason in reading.get(_SLOWED, ())})
        device = {"readings": len(readings), **figures, **self._energy(), _SLOWED: slowed}
        return {**device, **self._around()} if self._look_at is not None else device

    def _energy(self) -> dict[str, float]:
        counted = [[reading[_GROWS] for reading in (run[0], run[-1]) if _GROWS in reading] for run in self._runs]
        if not all(len(ends) == 2 for ends in counted):
            return {}
        return {_GROWS: sum(ends[1] - ends[0] for ends in counted)}

    def _around(self) -> dict[str, Any]:
        lacking = (unknown(run.readings) for run in self.runs if run.readings is not None)
        setup = {name: value for name, value in self._settings.items() if name != "topology"}
        return {
            "runs": [run.record() for run in self.runs],
            "unknown": list(dict.fromkeys(what for told in lacking for what in told)),
            "setup": setup,
            "cost": dict(self._spent),
        }


def _spread(values: list[float]) -> dict[str, float]:
    return {"min": min(values), "median": median(values), "max": max(values)}


@contextmanager
def watch(target: str, machine: Machine, care: Care = USUAL) -> Iterator[Watch]:
    """A watch on a machine, and on its device where the target has one that can be read."""
    look, settings = _looks(machine)
    about: dict[str, Any] = {"look": look, "disturbed": care.disturbed, "settings": settings}
    watching = getattr(named(target), "watching", None)
    with nullcontext(dict) if watching is None else watching(machine) as read:
        # Another machine's cores are chosen by nobody, and what drives a GPU needs more than it has threads.
        pin = care.pin == "auto" and not machine.address and machine.device == "cpu"
        yield Watch(read, pin=pin, **about)


def _looks(machine: Machine) -> tuple[Look, Mapping[str, Any]]:
    """What looks at a machine, and how that one is set up."""
    if not machine.address:
        return here.look, here.settings()
    from pytest_mlmodelscope.remote.machine import remote

    there = remote(machine.address)
    return partial(_at, there), there.ask("look", "settings")


def _at(there: Any, _: int | None) -> Mapping[str, Any]:
    """A worker there is not known by its number here, but by what it has among its variables."""
    found: Mapping[str, Any] = there.ask("look")
    return found

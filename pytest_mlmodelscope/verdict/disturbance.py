"""What else went on while a worker was timed, whether that disturbed it, and what the figure is then worth.

The rules are held against two looks at the machine (``remote/there/look.py``), before and after a process run.
Seconds that the kernel counts in ticks are samples, so what rests on them is allowed the error of a sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pytest_mlmodelscope.core.claim import Claim
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.result import BaselineComparison, Measurement, Verdict

#: A run is disturbed where more than this share of its time on its cores was taken: less than half of what a timed
#: figure is never called slower for.
TAKEN: Final = 0.02
#: Or where others had more than this share of the whole machine: they share caches, memory and clocks with it.
BESIDE: Final = 0.10
#: Or where its clock was slower than in the fastest run by more than this share.
SLOWED: Final = 0.10
#: Or where more pages than this came back from swap (a megabyte).
SWAPPED: Final = 256
#: How many standard errors of a count in ticks are allowed, and how many ticks for where it begins and ends.
_ERRORS, _ENDS = 3.0, 2.0
#: How many other processes are named.
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Other:
    """Another process, and the seconds that it took."""

    name: str
    pid: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.name}[{self.pid}] {self.seconds:.2g} s"


@dataclass(frozen=True, slots=True)
class Readings:
    """One process run. Seconds are of processor time, save ``seconds`` of the clock; None is what is not told here.

    ``cores`` are the worker's and ``machine`` all of them. ``ran_s``, ``waited_s``: of as many of its threads as it has
    cores, those that ran most, which ran, or had work and no core; ``itself_s``: its other threads ran. ``others_s``:
    its cores worked for others, ``beside_s``: all cores did; ``stolen_s``: a hypervisor took its cores, ``capped_s``: a
    quota took them; ``stalled_s``: somebody waited for memory. ``swapped`` pages came back, ``faults`` of the worker
    waited for a disk, ``switched`` is how often a core was taken from one of its threads and ``hot`` how often one was
    too hot. ``top``: the others that took most, ``near`` those of them that were on its cores.
    """

    seconds: float
    cores: int
    machine: int
    worker_s: float | None = None
    ran_s: float | None = None
    waited_s: float | None = None
    itself_s: float | None = None
    others_s: float | None = None
    beside_s: float | None = None
    stolen_s: float | None = None
    capped_s: float | None = None
    stalled_s: float | None = None
    swapped: int | None = None
    faults: int | None = None
    switched: int | None = None
    hot: int | None = None
    top: tuple[Other, ...] = ()
    near: tuple[Other, ...] = ()
    clock_mhz: float | None = None
    temperature_c: float | None = None
    throttled: tuple[str, ...] = ()


#: What each reading is of, for those that a machine does not tell.
READS: Final[Mapping[str, str]] = {
    "waited_s": "waiting for a core",
    "beside_s": "other processes",
    "stolen_s": "time that the hypervisor took",
    "capped_s": "time that a quota took",
    "stalled_s": "memory pressure",
    "swapped": "swapping",
    "hot": "throttling for temperature",
    "clock_mhz": "clock",
    "temperature_c": "temperature",
}


def unknown(readings: Readings) -> tuple[str, ...]:
    """What this machine does not tell, in words: nothing of it is known to be good."""
    return tuple(what for name, what in READS.items() if getattr(readings, name) is None)


# -- from two looks -----------------------------------------------------------------------


def between(before: Mapping[str, Any], after: Mapping[str, Any]) -> Readings:
    """What went on from one look to the next."""
    seconds, tick = after["at"] - before["at"], after["tick"]
    spent = _spent(before["processes"], after["processes"])
    worker = {*before["worker"]["pids"], *after["worker"]["pids"]}
    worker_s = sum(spent.get(pid, 0.0) for pid in worker) if worker else None
    mine, everywhere = [str(core) for core in after["worker"]["cores"]], list(after["cores"])
    others = {pid: took for pid, took in spent.items() if pid not in worker and pid != str(after["own"])}
    known = (worker_s or 0.0) + spent.get(str(after["own"]), 0.0)
    ran = _threads(before, after)
    named = sum(others.values())
    beside = _others(before, after, everywhere, known, seconds, tick)
    return Readings(
        seconds=seconds,
        cores=len(mine),
        machine=len(everywhere),
        worker_s=worker_s,
        ran_s=sum(run for run, _, _ in ran[: len(mine)]) if ran else None,
        waited_s=sum(waited for _, waited, _ in ran[: len(mine)]) if ran else None,
        itself_s=sum(run for run, _, _ in ran[len(mine) :]) if ran else None,
        others_s=_others(before, after, mine, worker_s or 0.0, seconds, tick),
        beside_s=None if beside is None else max(beside, named),
        stolen_s=_stolen(before, after, mine, tick),
        capped_s=_more(before["capped_s"], after["capped_s"]),
        stalled_s=_more(before["stalled"]["memory"], after["stalled"]["memory"]),
        swapped=_more(before["swapped_in"], after["swapped_in"]),
        faults=_faults(before["processes"], after["processes"], worker),
        switched=sum(taken or 0 for _, _, taken in ran) if ran else None,
        hot=_more(before["hot"], after["hot"]),
        top=_top(others, after["processes"], tick),
        near=_top(_near(others, after), after["processes"], tick),
    )


def _spent(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, float]:
    """Seconds that each process took meanwhile; a number that another process has now begins anew."""
    return {pid: about[3] - _earlier(before, pid, about[0], 3) for pid, about in after.items()}


def _earlier(before: Mapping[str, Any], pid: str, began: int, which: int) -> Any:
    then = before.get(pid)
    return then[which] if then is not None and then[0] == began else 0


def _faults(before: Mapping[str, Any], after: Mapping[str, Any], worker: set[str]) -> int:
    told = [(pid, after[pid]) for pid in worker if pid in after]
    return sum(about[4] - _earlier(before, pid, about[0], 4) for pid, about in told)


def _threads(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[float, float, int | None]]:
    """Of each of the worker's threads seconds run and waited, and how often a core was taken from it; the one that ran
    most is the first.
    """
    then = before["worker"]["threads"]
    pairs = [(then.get(thread, (0.0, 0.0, 0)), now) for thread, now in after["worker"]["threads"].items()]
    found = [(now[0] - old[0], now[1] - old[1], _more(old[2], now[2])) for old, now in pairs]
    return sorted(found, key=lambda thread: -thread[0])


def _grown(before: Mapping[str, Any], after: Mapping[str, Any], cores: Sequence[str], which: int) -> float | None:
    """How much a counter of these cores grew; None where one of them does not have it."""
    found = [_more(_core(before, core, which), _core(after, core, which)) for core in cores]
    told = [amount for amount in found if amount is not None]
    return sum(told) if found and len(told) == len(found) else None


def _stolen(before: Mapping[str, Any], after: Mapping[str, Any], cores: Sequence[str], tick: float) -> float | None:
    """Seconds that a hypervisor took, of which each core's may be counted a tick too high."""
    stolen = _grown(before, after, cores, 1)
    return None if stolen is None else max(0.0, stolen - tick * len(cores))


def _core(look: Mapping[str, Any], core: str, which: int) -> float | None:
    told: list[float | None] = look["cores"].get(core, [None, None])
    return told[which]


def _others(
    before: Mapping[str, Any], after: Mapping[str, Any], cores: Sequence[str], known: float, seconds: float, tick: float
) -> float | None:
    """Seconds that these cores worked for neither the worker nor this program, as far as ticks are sure of it."""
    busy = _grown(before, after, cores, 0)
    if busy is None:
        return None
    return max(0.0, busy - known - allowance(busy, len(cores) * seconds, tick))


def allowance(busy: float, whole: float, tick: float) -> float:
    """How many seconds too large a count in ticks may be: at each tick the kernel looks who has the core just then."""
    # Two ticks more of each kind, as Agresti and Coull take: else a few that are all of a kind have no error at all.
    ticks = whole / tick + 4
    share = min(busy / tick + 2, ticks - 2) / ticks
    return tick * (_ENDS + _ERRORS * math.sqrt(share * (1 - share) * ticks))


def _more(before: Any, after: Any) -> Any:
    return None if before is None or after is None else max(after - before, 0)


def _near(others: Mapping[str, float], after: Mapping[str, Any]) -> dict[str, float]:
    """Those that ran last on a core of the worker's."""
    mine = set(after["worker"]["cores"])
    return {pid: took for pid, took in others.items() if after["processes"][pid][5] in mine}


def _top(others: Mapping[str, float], processes: Mapping[str, Any], tick: float) -> tuple[Other, ...]:
    most = sorted(others, key=lambda pid: -others[pid])[:_NAMED]
    return tuple(Other(processes[pid][2], int(pid), others[pid]) for pid in most if others[pid] > tick)


# -- the rules ----------------------------------------------------------------------------


def disturbances(readings: Readings, fastest_mhz: float | None = None) -> tuple[str, ...]:
    """Why a run is disturbed, in words; empty: nothing that could be seen disturbed it.

    ``fastest_mhz`` is the clock of the case's fastest run.
    """
    return (
        *_of_cores(readings),
        *_of_memory(readings),
        *_of_clock(readings, fastest_mhz),
        *(f"the device was slowed down: {reason}" for reason in readings.throttled),
    )


def lost(readings: Readings) -> float | None:
    """The share of the time in which the worker had work and no core for it because of others.

    A worker with more threads than cores also waits for itself: no longer than its other threads ran.
    """
    if readings.waited_s is None or readings.ran_s is None or readings.itself_s is None:
        return None
    by_others = max(0.0, readings.waited_s - readings.itself_s)
    return by_others / max(readings.waited_s + readings.ran_s, 1e-9)


def _of_cores(readings: Readings) -> Iterator[str]:
    own, whole = readings.cores * readings.seconds, readings.machine * readings.seconds
    waited, beside = lost(readings) or 0.0, readings.beside_s or 0.0
    if waited > TAKEN:
        yield f"it waited {waited:.0%} of its time for a core that others had{_by(readings.near)}"
    if beside > BESIDE * whole:
        yield f"others took {beside / whole:.0%} of the machine{_by(readings.top)}"
    if readings.stolen_s is not None and readings.stolen_s > TAKEN * own:
        yield f"the hypervisor took {readings.stolen_s / own:.0%} of its cores' time"
    if readings.capped_s is not None and readings.capped_s > TAKEN * readings.seconds:
        yield f"a quota of its control group stopped it for {readings.capped_s / readings.seconds:.0%} of the time"


def _by(others: Sequence[Other]) -> str:
    return f": {', '.join(map(str, others))}" if others else ""


def _of_memory(readings: Readings) -> Iterator[str]:
    if readings.stalled_s is not None and readings.stalled_s > TAKEN * readings.seconds:
        yield f"processes waited for memory {readings.stalled_s / readings.seconds:.0%} of the time"
    if readings.swapped is not None and readings.swapped > SWAPPED:
        yield f"{readings.swapped:,} pages came back from swap"


def _of_clock(readings: Readings, fastest_mhz: float | None) -> Iterator[str]:
    clock = readings.clock_mhz
    if readings.hot:
        yield f"its cores were slowed down for their temperature ({readings.hot:,} times)"
    if clock is not None and fastest_mhz is not None and clock < (1 - SLOWED) * fastest_mhz:
        yield f"its clock was {clock:,.0f} MHz, and {fastest_mhz:,.0f} MHz in the fastest run"


# -- what the figure is worth -------------------------------------------------------------


def marked(watched: Mapping[str, Any]) -> dict[int, Sequence[str]]:
    """Why the marked ones of the process runs that a record has under ``watched`` are, by their number (from 1) among
    those of which the figure is.
    """
    kept = [run for run in watched.get("runs", ()) if run["use"] != "repeated"]
    return {number: run["why"] for number, run in enumerate(kept, 1) if run["use"] == "marked"}


def weighed(claim: Claim, verdict: Verdict, measurement: Measurement, why: Mapping[int, Sequence[str]]) -> Verdict:
    """The verdict on a figure of which some runs (by their numbers) are disturbed, with the reasons of each.

    A disturbance only makes a run slower, so the undisturbed figure is at least as good: what holds of this one and
    of all better ones holds; the rest is inconclusive.
    """
    low, high = claim.bounds
    if not why or verdict.word not in ("confirmed", "refuted") or not slows(claim):
        return verdict
    lower_is_better = member("metrics", claim.metric).DIRECTION == "lower"
    better, beyond = (low, measurement.value < low) if lower_is_better else (high, measurement.value > high)
    if (verdict.word == "confirmed" and math.isinf(better)) or (verdict.word == "refuted" and beyond):
        return replace(verdict, reason=f"{verdict.reason}; {told(why, len(measurement.runs))}")
    return Verdict("inconclusive", f"it would be {verdict.word}, but {told(why, len(measurement.runs))}: run it again")


def weighed_baseline(
    claim: Claim, compared: BaselineComparison, runs: int, why: Mapping[int, Sequence[str]]
) -> BaselineComparison:
    """A comparison that calls a disturbed figure worse judges nothing."""
    if not why or compared.status != "worse" or not slows(claim):
        return compared
    return replace(compared, status="other", reason=f"{compared.reason}; but {told(why, runs)}: run it again")


def slows(claim: Claim) -> bool:
    """Whether a disturbance changes the claim's figure: it does so where that has to do with time."""
    return str(member("metrics", claim.metric).BASE_UNIT) != "B"


def told(why: Mapping[int, Sequence[str]], runs: int) -> str:
    """``2 of 5 process runs were disturbed: ...``, with the first reason that there is."""
    first = next((reason for reasons in why.values() for reason in reasons), "")
    return f"{len(why)} of {runs} process runs {'was' if len(why) == 1 else 'were'} disturbed ({first})"

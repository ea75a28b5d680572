"""Times two commands side by side: A B B A, so that a machine that warms up or slows down favours neither."""

from __future__ import annotations

import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Options of pytest that keep out what a user of the plugin need not have.
ALONE = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:xdist")


@dataclass(frozen=True)
class Sides:
    """Seconds of each round, ours and theirs, in the order in which they were taken."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def difference(self) -> float:
        """Seconds that ours takes longer: the median over the rounds."""
        return statistics.median(a - b for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def ratio(self) -> float:
        """Median of ours by median of theirs."""
        return statistics.median(self.ours) / statistics.median(self.theirs)

    def interval(self) -> tuple[float, float]:
        """A 95 % interval of ``difference``, by resampling the rounds."""
        pairs = [a - b for a, b in zip(self.ours, self.theirs, strict=True)]
        draw = random.Random(0)
        medians = sorted(statistics.median(draw.choices(pairs, k=len(pairs))) for _ in range(2000))
        return medians[49], medians[1949]


def seconds(command: Sequence[str | Path], cwd: Path) -> tuple[float, float]:
    """How long one run takes, by the clock and of the processor.

    Raises:
        SystemExit: it failed; shows what it printed.
    """
    used = _processor()
    begun = time.perf_counter()
    printed(command, cwd)
    return time.perf_counter() - begun, _processor() - used


def printed(command: Sequence[str | Path], cwd: Path) -> str:
    """What one run prints.

    Raises:
        SystemExit: it failed; shows what it printed.
    """
    done = subprocess.run(command, cwd=cwd, env=_environ(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = " ".join(map(str, command))
        sys.exit(f"{words} ended with {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def _environ() -> dict[str, str]:
    """With compiled modules kept between runs, as they are for users, whatever this machine's setting is."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "mlms-benchmarks-bytecode")}


def _processor() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def alternate(
    ours: Sequence[str | Path],
    theirs: Sequence[str | Path],
    rounds: int,
    cwd: Path,
    before: Callable[[], None] = lambda: None,
) -> tuple[Sides, Sides]:
    """Both once unmeasured, then ``rounds`` times each in the order A B B A: by the clock, of the processor.

    ``before`` is called before each run and not measured.
    """
    taken: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for number in range(-1, rounds):
        for is_ours in (True, False) if number % 2 == 0 else (False, True):
            before()
            taken[is_ours].append(seconds(ours if is_ours else theirs, cwd))
    sides = [Sides(tuple(a), tuple(b)) for a, b in zip(_columns(taken[True]), _columns(taken[False]), strict=True)]
    return sides[0], sides[1]


def _columns(taken: list[tuple[float, float]]) -> list[tuple[float, ...]]:
    return list(zip(*taken[1:], strict=True))


def goal(is_met: bool) -> str:
    """A word for a line of results."""
    return "met" if is_met else "NOT MET"

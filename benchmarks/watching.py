"""What it costs to watch the machine while it is timed, and what is seen: one process that keeps a core busy, another
on the same core for a part of the time.

    python benchmarks/watching.py [--runs 10] [--seconds 1.0]

Prints the milliseconds of processor time of a look (two for each process run, when the worker has nothing to do) and of
a reading (five a second meanwhile), the latter as a share of one core: goal 0.5 %. Then, for each share of the core
that another process takes, how many runs are called disturbed because the worker waited, and for how long it did. Goal:
all runs in which it takes 5 % or more, and none in which it takes nothing. Whoever else is at work on the machine is
another process too, so that goal is for a quiet one; what others took of all cores is printed beside it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from pytest_mlmodelscope.agent.care import Care
from pytest_mlmodelscope.agent.watch import EVERY, watch
from pytest_mlmodelscope.remote.there.look import look
from pytest_mlmodelscope.targets import cpu, local_cpu
from pytest_mlmodelscope.verdict.disturbance import Readings, lost

SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.5)
MOST_DURING = 0.005
#: Busy for a share of each hundredth of a second.
PROGRAM = """
import sys, time
share = float(sys.argv[1])
while True:
    end = time.perf_counter() + share / 100
    while time.perf_counter() < end:
        pass
    if share < 1:
        time.sleep((1 - share) / 100)
"""


@contextmanager
def busy(share: float, core: int) -> Iterator[int]:
    """A process that is at work on a core for so much of the time; its number."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(share)])
    try:
        os.sched_setaffinity(process.pid, [core])
        time.sleep(0.2)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def milliseconds(function, times: int) -> float:
    """Of processor time, the median."""
    found = []
    for _ in range(times):
        began = time.thread_time()
        function()
        found.append(time.thread_time() - began)
    return 1000 * statistics.median(found)


def costs(times: int) -> list[tuple[str, str, str]]:
    pid = os.getpid()
    one_look = milliseconds(lambda: look(pid), times)
    with cpu.watching(local_cpu()) as read:
        reading = milliseconds(read, times)
    share = reading / 1000 / EVERY
    processes = len(look(pid)["processes"])
    return [
        (f"a look at {processes} processes", f"{one_look:.2f} ms", ""),
        ("a reading", f"{reading:.3f} ms", ""),
        ("readings, of one core", f"{share:.3%}", "within" if share <= MOST_DURING else f"MORE than {MOST_DURING:.1%}"),
    ]


def seen(share: float, core: int, seconds: float) -> tuple[Readings, bool]:
    """What is seen of one run beside a process that takes so much; whether it is called disturbed for waiting."""
    care = Care("mark")
    with busy(1.0, core) as pid, busy(share, core), watch("cpu", local_cpu(), care) as at, at.run(pid) as run:
        time.sleep(seconds)
    assert run.readings is not None
    return run.readings, any("it waited" in reason for reason in run.why)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    console = Console()
    table = Table("cost", "", "goal")
    for row in costs(50):
        table.add_row(*row)
    console.print(table)
    table = Table("another takes", "runs", "disturbed", "waited (median)", "others on all cores (median)")
    core = max(os.sched_getaffinity(0))
    for share in SHARES:
        found = [seen(share, core, options.seconds) for _ in range(options.runs)]
        waited = statistics.median(lost(readings) or 0.0 for readings, _ in found)
        others = statistics.median((r.beside_s or 0.0) / (r.machine * r.seconds) for r, _ in found)
        hits = sum(hit for _, hit in found)
        table.add_row(f"{share:.0%} of its core", str(len(found)), str(hits), f"{waited:.1%}", f"{others:.0%}")
    console.print(table)


if __name__ == "__main__":
    main()

"""What a worker may take, and how strictly it is kept from the rest of the machine."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

Isolation = Literal["best", "required", "off"]
ISOLATION: Final[tuple[Isolation, ...]] = get_args(Isolation)
#: Frameworks start a few threads for each core, and a thread counts as a process.
_PROCESSES: Final = 1024
_PROCESSES_A_CORE: Final = 32


def most_memory(memory: int | None = None) -> int:
    """What a worker may take of a machine with so much memory, by default this one."""
    return int((memory or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) * 0.8)


def most_processes(threads: int | None = None) -> int:
    """How many processes and threads it may have on so many processors, by default those of this machine."""
    return max(_PROCESSES, _PROCESSES_A_CORE * (threads or os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker may take: seconds to open a model, to answer a query, to train and to count; bytes of
    memory (of each of its processes) and of each file it writes; processes and threads; open files.

    ``isolation``: *best* takes what works here, *required* refuses to run a model with the network
    or the user's files in reach, *off* leaves the limits alone.
    """

    open_s: float = 300.0
    predict_s: float = 120.0
    fit_s: float = 1800.0
    count_s: float = 1800.0
    memory_bytes: int = field(default_factory=most_memory)
    file_bytes: int = 4 * 2**30
    open_files: int = 4096
    processes: int = field(default_factory=most_processes)
    isolation: Isolation = "best"

    def bounds(self) -> dict[str, int | None]:
        """What the kernel holds a worker to."""
        return {
            "memory_bytes": self.memory_bytes,
            "file_bytes": self.file_bytes,
            "open_files": self.open_files,
            "processes": self.processes,
        }

    def variables(self, of_user: bool) -> dict[str, str]:
        """The same for the worker's environment. ``of_user``: the kernel counts all processes of the
        user, not only the worker's.
        """
        bounds = {f"MLMS_{name.upper()}": value for name, value in self.bounds().items()}
        if of_user:
            bounds["MLMS_PROCESSES"] = self.processes + _running()
        return {name: str(value) for name, value in bounds.items()}


def _running() -> int:
    """All processes and threads of the machine: at least as many as the user has."""
    with open("/proc/loadavg") as file:  # noqa: PTH123  # a file of the kernel
        return int(file.read().split()[3].partition("/")[2])

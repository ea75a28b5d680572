"""What a worker may not do: outlive its host, take all memory, leave a core file."""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1


def apply(memory_bytes: int, host: int) -> None:
    """Put this process under its limits. ``host`` is the process that must outlive it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_bytes:
        # Of the limits on memory this is the one that does not count address space which
        # frameworks only reserve.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    die_with_parent()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=die_with_parent)
    if os.getppid() != host:
        sys.exit("the host is gone")


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, even in the midst of a native call."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def peak_bytes() -> int:
    """The largest resident size that this process had.

    Not ``ru_maxrss``: that one starts at the size of the process that this one was forked from.
    """
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

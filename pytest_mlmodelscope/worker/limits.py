"""What a worker may not do: outlive its host, take all memory, processes or disk, leave a core file."""

import ctypes
import os
import resource
import signal
import sys
from typing import Mapping

_PR_SET_PDEATHSIG = 1


#: What libraries say, in lower case, when they get no memory.
_NO_MEMORY = (
    "memoryerror",
    "bad_alloc",
    "allocate memory",
    "memory allocation",
    "out of memory",
    "outofmemory",
    "resourceexhausted",
    "failed to allocate",
    "host allocation of size",
    "cannot map zero-fill pages",
    "failed to map segment",
)

#: Of the limits on memory, RLIMIT_DATA is the one that does not count address space which
#: frameworks only reserve.
_LIMITS = {
    "MLMS_MEMORY_BYTES": resource.RLIMIT_DATA,
    "MLMS_FILE_BYTES": resource.RLIMIT_FSIZE,
    "MLMS_OPEN_FILES": resource.RLIMIT_NOFILE,
    "MLMS_PROCESSES": resource.RLIMIT_NPROC,
}


def apply(variables: "Mapping[str, str]") -> None:
    """Put this process under the limits that these variables name.

    MLMS_HOST is the number of the process that must outlive it.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, limit in _LIMITS.items():
        if name in variables:
            most = _lower(int(variables[name]), resource.getrlimit(limit)[1])
            resource.setrlimit(limit, (most, most))
    die_with_parent()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=die_with_parent)
    if os.getppid() != int(variables["MLMS_HOST"]):
        sys.exit("the host is gone")


def _lower(wanted: int, allowed: int) -> int:
    return wanted if allowed == resource.RLIM_INFINITY else min(wanted, allowed)


def tells_of_memory(text: str) -> bool:
    """Whether a library says in this text that it got no memory."""
    return any(sign in text.lower() for sign in _NO_MEMORY)


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

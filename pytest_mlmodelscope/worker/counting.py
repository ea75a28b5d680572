"""How many instructions one query takes: counted by the emulator that runs this worker, else by the processor."""

import ctypes
import errno
import fcntl
import gc
import os
import platform
import struct
from typing import Any, Callable

#: Is in the worker's environment where its emulator counts (agent/counter.c).
VARIABLE = "MLMS_COUNTER"
#: Nobody reads it: its length moves what lies in the worker's memory, and some libraries take other steps by that.
LAYOUT, LAYOUT_STEP = "MLMS_LAYOUT", 520
#: The system call that asks it; no kernel has one of this number.
MARK = 0x6D6C6D73
#: Calls before the first that counts, since libraries prepare and Python learns in the first few, and the calls
#: that count: an odd number, so that their median is one of them.
WARMUP, CALLS = 10, 11

_NUMBERS = {"x86_64": 298, "aarch64": 241, "riscv64": 241, "loongarch64": 241, "ppc64le": 319, "s390x": 331}
#: Of perf_event_open: the kind and the event; flags (with threads that begin later, without kernel and hypervisor).
INSTRUCTIONS = (0, 1)
_FLAGS, _CLOSE_ON_EXEC = 1 << 1 | 1 << 5 | 1 << 6, 8
_PARANOID = "/proc/sys/kernel/perf_event_paranoid"


class Uncounted(Exception):
    """Nothing counts instructions here. ``hint`` says what would change that."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def of_calls(predict: "Callable[[Any], Any]", inputs: "Any") -> "list[int]":
    """The instructions of each of several calls with the same query, all threads together.

    Raises:
        Uncounted: neither an emulator nor the kernel counts them.
    """
    predict(inputs)  # whatever threads it needs are there after that
    total = OfEmulator().total if VARIABLE in os.environ else OfProcessor(INSTRUCTIONS).total
    collects = gc.isenabled()
    gc.collect()
    gc.disable()  # a collection would be counted with whatever call it falls into
    try:
        nothing = [_between(total, _nothing, inputs) for _ in range(2 * WARMUP)][-1]
        return [_between(total, predict, inputs) - nothing for _ in range(WARMUP + CALLS)][WARMUP:]
    finally:
        if collects:
            gc.enable()


def _between(total: "Callable[[], int]", function: "Callable[[Any], Any]", inputs: "Any") -> int:
    before = total()
    function(inputs)
    return total() - before


def _nothing(_: "Any") -> None:
    pass


class OfEmulator:
    """What the emulator counts: asked by a system call, it writes to a pipe."""

    def __init__(self) -> None:
        self._ask = ctypes.CDLL(None).syscall
        self._reader, self._writer = os.pipe()
        # An emulator that does not answer must not hold up the worker for ever.
        fcntl.fcntl(self._reader, fcntl.F_SETFL, os.O_NONBLOCK)

    def total(self) -> int:
        """Instructions that were executed so far."""
        self._ask(MARK, self._writer)
        return int(struct.unpack("=Q", os.read(self._reader, 8))[0])


class OfProcessor:
    """What the processor counts of this process outside of the kernel, one counter for each thread there is."""

    def __init__(self, event: "tuple[int, int]") -> None:
        """Begin to count; ``event`` is the kind and the number by which the kernel knows it.

        Raises:
            Uncounted: the kernel or the processor does not.
        """
        self._counters = [_opened(event, int(task)) for task in os.listdir("/proc/self/task")]

    def total(self) -> int:
        """What was counted since."""
        return sum(struct.unpack("=Q", os.read(counter, 8))[0] for counter in self._counters)


def _opened(event: "tuple[int, int]", task: int) -> int:
    number = _NUMBERS.get(platform.machine(), -1)
    size = 64
    attributes = struct.pack("=IIQQQQQIIQ", event[0], size, event[1], 0, 0, 0, _FLAGS, 0, 0, 0)
    library = ctypes.CDLL(None, use_errno=True)
    counter = int(library.syscall(number, attributes, task, -1, -1, _CLOSE_ON_EXEC))
    if counter < 0:
        raise _uncounted(ctypes.get_errno())
    return counter


def _uncounted(number: int) -> Uncounted:
    if number not in (errno.EPERM, errno.EACCES):
        return Uncounted(
            "the processor of this machine counts no instructions (few virtual machines have a counter)",
            "run it on a machine with a counter, or emulated: --mlms-target arm",
        )
    try:
        with open(_PARANOID) as file:
            strict = int(file.read())
    except (OSError, ValueError):
        strict = 0
    if strict > 2:
        return Uncounted("the kernel lets nobody count instructions", "sudo sysctl kernel.perf_event_paranoid=2")
    return Uncounted("what isolates the worker does not let it count instructions", "install bubblewrap")

"""Memory that a worker shares with its host: large inputs lie there and need no pipe.

The host writes a tensor at some place of an unnamed file, whose descriptor the worker inherits, and
the message says where (``at``). The host leaves a place alone until the question is answered.
"""

import mmap
import os
from typing import Any

#: The variable that tells a worker the number of the descriptor.
VARIABLE = "MLMS_SHARED"


class Window:
    """The worker's view of the shared memory; each place is mapped once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._mapped = {}  # type: dict[int, mmap.mmap]

    def array(self, at: int, shape: "tuple[int, ...]", dtype: str) -> "Any":
        """The array that lies at a place; it is the host's again when the question is answered.

        Raises ValueError or OSError where nothing of that size can lie.
        """
        import numpy

        values = numpy.empty(0, dtype=dtype)
        count = 1
        for length in shape:
            count *= length
        size = count * values.itemsize
        return numpy.frombuffer(self._map(at, size), dtype=dtype, count=count).reshape(shape)

    def _map(self, at: int, size: int) -> mmap.mmap:
        found = self._mapped.get(at)
        if found is None or len(found) < size:
            # Places never shrink, and the host may have put a larger one where this one was.
            found = self._mapped[at] = mmap.mmap(self._descriptor, size, offset=at)
        return found


def inherited() -> "Window | None":
    """The window that the host of this process opened, if it did."""
    number = os.environ.get(VARIABLE)
    return Window(int(number)) if number else None

"""Memory that a worker can see, so that large inputs are written once and need no pipe.

An unnamed file that only this process and the worker know. It cannot be made smaller: a worker that
cut it would crash its host.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
import weakref
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

#: Bytes in all; what does not fit goes through the pipe.
MOST: Final = 512 * 1024 * 1024
_PAGE: Final = mmap.ALLOCATIONGRANULARITY
#: Of fcntl.h, and newer than the oldest module ``fcntl`` that knows them.
_F_ADD_SEALS, _F_SEAL_SEAL, _F_SEAL_SHRINK = 1033, 1, 2


@dataclass(frozen=True, slots=True)
class _Place:
    offset: int
    memory: mmap.mmap


class SharedMemory:
    """Places for the tensors of questions; a place is free again when its question is answered.

    Questions are written by one thread and their answers read by one, which may be another.
    """

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("mlms", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        fcntl.fcntl(self.descriptor, _F_ADD_SEALS, _F_SEAL_SHRINK | _F_SEAL_SEAL)
        weakref.finalize(self, os.close, self.descriptor)
        self._size = 0
        self._free: list[_Place] = []
        self._written: list[_Place] = []
        self._asked: deque[list[_Place]] = deque()
        self._lock = threading.Lock()

    def put(self, data: memoryview) -> int | None:
        """Write bytes of the question that is being made; where they lie, or None without room."""
        place = self._take(len(data))
        if place is None:
            return None
        self._written.append(place)
        # numpy lets other threads run while it copies.
        np.frombuffer(place.memory, np.uint8, len(data))[:] = np.frombuffer(data, np.uint8)
        return place.offset

    def asked(self) -> None:
        """The question is complete; what was put since the last one belongs to it."""
        self._asked.append(self._written)
        self._written = []

    def answered(self) -> None:
        """The oldest question was answered, so its places are free."""
        with self._lock:
            self._free += self._asked.popleft() if self._asked else ()

    def _take(self, size: int) -> _Place | None:
        with self._lock:
            for index, place in enumerate(self._free):
                if len(place.memory) >= size:
                    return self._free.pop(index)
        return self._new(-(-size // _PAGE) * _PAGE)

    def _new(self, size: int) -> _Place | None:
        if self._size + size > MOST:
            return None
        offset, self._size = self._size, self._size + size
        os.ftruncate(self.descriptor, self._size)
        return _Place(offset, mmap.mmap(self.descriptor, size, offset=offset))

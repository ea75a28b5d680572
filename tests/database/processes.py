"""Processes for tests: real ones, which end or are killed by themselves, but begin with their imports done: each is a
fork of a server that has done them once.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
#: What the server imports, as long as it has not been started.
IMPORTED = ["__main__", "psycopg", "alembic.command", "pytest_mlmodelscope.store.runs"]


def signal() -> Event:
    """Something that another process can wait for."""
    return _CONTEXT.Event()


class Started:
    """A process that runs ``function(*arguments)``; what it writes to its standard output is read here."""

    def __init__(self, function: Callable[..., object], *arguments: Any) -> None:
        _CONTEXT.set_forkserver_preload(IMPORTED)
        reading, writing = _CONTEXT.Pipe(duplex=False)
        words = (function, arguments, writing, dict(os.environ))
        self._process = _CONTEXT.Process(target=_run, args=words)
        self._process.start()
        writing.close()
        self.stdout = os.fdopen(os.dup(reading.fileno()), encoding="utf-8")
        reading.close()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def kill(self) -> None:
        """As ``kill -9`` does."""
        self._process.kill()

    def terminate(self) -> None:
        self._process.terminate()

    def wait(self, seconds: float | None = None) -> int | None:
        """Its exit code once it has ended; None where it takes longer."""
        self._process.join(seconds)
        return self._process.exitcode

    def rest(self) -> str:
        """All that it writes from now on, when it has ended."""
        with self.stdout:
            said = self.stdout.read()
        self._process.join()
        return said

    def end(self) -> None:
        """Kill it if it still runs, and forget it."""
        self.kill()
        self._process.join()
        self.stdout.close()


def _run(
    function: Callable[..., object], arguments: Sequence[Any], writing: Connection, environment: Mapping[str, str]
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(writing.fileno(), 1)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    writing.close()
    function(*arguments)
    sys.stdout.flush()

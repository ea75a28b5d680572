"""The owner of a worker: starts it, talks to it, watches it, ends it, and says clearly how it failed."""

from __future__ import annotations

import os
import select
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from pytest_mlmodelscope.agent.confinement import Held, Worker, best, record, started
from pytest_mlmodelscope.agent.environment import Environment
from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.agent.process import WorkerProcess
from pytest_mlmodelscope.agent.shared import SharedMemory
from pytest_mlmodelscope.agent.told import died, refused
from pytest_mlmodelscope.agent.variables import variables_of
from pytest_mlmodelscope.agent.view import View, view
from pytest_mlmodelscope.core.claim import NOTHING
from pytest_mlmodelscope.core.errors import WorkerDied, WorkerError, WorkerTimeout
from pytest_mlmodelscope.worker import window, wire

#: What keeps an interpreter to its own modules; -I would also hide the seed by which two runs count the same.
_ISOLATED: Final = {"host": (), "built": ("-I",), "emulated": ("-s",)}
_LOOK_SECONDS: Final = 0.25


class Owner:
    """The owner of one worker process: starts it, talks to it, watches it, ends it.

    ``folder`` is where the framework's ``predictor.py`` lies, by default its registered place.
    The kernel ends a worker together with the thread that opened it, so open it in one that stays.
    """

    def __init__(self, environment: Environment, limits: Limits | None = None, folder: Path | None = None) -> None:
        self.environment = environment
        self.limits = limits or Limits()
        self._folder = folder
        self._worker: WorkerProcess | None = None
        self._shared: SharedMemory | None = None
        self._seen: tuple[Iterable[str], str] = ((), "cpu")
        self._builds = False
        self._end: Callable[[], object] = lambda: None
        self._tail: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines that the worker printed."""
        return tuple(self._worker.lines) if self._worker is not None else self._tail

    @property
    def pid(self) -> int | None:
        """The process that is the worker or started it; None where it has no number on this machine."""
        return None if self._worker is None else self._worker.process.pid

    def close(self) -> None:
        """End the worker and everything that it started."""
        self._finish()

    def _start(self, code: bytes, threads: int | None) -> None:
        if not self.environment.python.exists():
            where = str(self.environment.python)
            raise WorkerDied("the worker cannot be started", where=where, got="no such interpreter")
        held = self._held()
        scratch = Path(tempfile.mkdtemp(prefix="mlms-worker-"))
        (scratch / "worker.zip").write_bytes(code)
        isolated = _ISOLATED[self.environment.source]
        words = [*self.environment.launcher, str(self.environment.python), *isolated]
        command = [*words, "-u", str(scratch / "worker.zip")]
        variables = variables_of(self.environment, scratch, threads)
        try:
            self._shared = SharedMemory()
            confined = started(held, Worker(command, scratch, self._view(variables), self.limits.processes))
            variables |= {"MLMS_HOST": str(confined.host), **self.limits.variables(held.processes != "own")}
            variables[window.VARIABLE] = str(self._shared.descriptor)
            inherited = (self._shared.descriptor,)
            limited = self._limited(confined.command)
            self._worker = WorkerProcess(limited, variables, scratch, inherited, confined.relayed)
        except OSError as error:
            shutil.rmtree(scratch)
            raise WorkerDied("the worker cannot be started", where=command[0], got=error.strerror) from None
        for pipe in (self._worker.reader, self._worker.writer):
            os.set_blocking(pipe, False)
            wire.widen(pipe)
        # Also at the end of the host's process, and when nobody holds the agent any more.
        self._end = weakref.finalize(self, self._worker.end)

    def _limited(self, command: Sequence[str]) -> Sequence[str]:
        """An emulator does not pass on what a worker says of its own memory: it must be told before.

        Of the address space, since an emulator reserves memory before it makes it data.
        """
        if not self.environment.launcher:
            return command
        return ["/bin/sh", "-c", 'ulimit -v "$0" && exec "$@"', str(self.limits.memory_bytes // 1024), *command]

    def _held(self) -> Held:
        return best(self.limits.isolation)

    def _isolation(self) -> dict[str, Any]:
        return record(self._held(), self.limits)

    def _view(self, variables: Mapping[str, str]) -> View:
        return view(self.environment, *self._seen, variables)

    def _finish(self) -> str:
        how = str(self._end())
        self._tail = self.tail
        self._worker = self._shared = None
        self._end = lambda: None
        return how

    def _ask(
        self, op: str, tensors: Iterable[tuple[str, Any]], seconds: float, about: Mapping[str, Any] = NOTHING
    ) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
        buffers = wire.encode({"op": op, "about": dict(about)}, tensors)
        deadline = time.monotonic() + seconds
        self._send(buffers, deadline)
        return self._receive(deadline, seconds)

    def _send(self, buffers: list[Any], deadline: float) -> None:
        writer = self._opened().writer
        # The reason is in what it says last, or in how it ended: both come from reading.
        with suppress(BrokenPipeError, EOFError, TimeoutError):
            wire.send(writer, buffers, lambda descriptor, events: self._wait(descriptor, events, deadline))

    def _memory(self) -> SharedMemory:
        self._opened()
        assert self._shared is not None  # it comes and goes with the worker
        return self._shared

    def _opened(self) -> WorkerProcess:
        if self._worker is None:
            raise WorkerDied("no model is open", hint="open one first")
        return self._worker

    def _receive(self, deadline: float, allowed: float) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
        reader = self._opened().reader
        try:
            header, tensors = wire.receive(reader, lambda descriptor, events: self._wait(descriptor, events, deadline))
        except KeyboardInterrupt:
            # Half an answer may have been read: nothing can be asked after that.
            self._finish()
            raise
        except EOFError:
            raise self._died() from None
        except wire.WireError as error:
            raise self._died(f"sent {error}") from None
        except TimeoutError:
            self._finish()
            within = f"an answer within {allowed:g} s"
            raise WorkerTimeout("the worker did not answer and was ended", expected=within).with_tail(
                self._tail
            ) from None
        if "error" in header:
            raise refused(header["error"], self.tail, self.limits.memory_bytes)
        return header, tensors

    def _wait(self, descriptor: int, events: int, deadline: float) -> None:
        """Wait for a pipe, but neither past the deadline nor for a process that is no more."""
        poll = select.poll()
        poll.register(descriptor, events)
        while not poll.poll(max(0.0, min(_LOOK_SECONDS, deadline - time.monotonic())) * 1000):
            if time.monotonic() >= deadline:
                raise TimeoutError
            # A child of the worker may hold its end of the pipe open.
            if self._worker is None or (self._worker.exited() and not poll.poll(0)):
                raise EOFError

    def _died(self, what: str | None = None) -> WorkerError:
        how = self._finish()
        return died(how, self._tail, self.limits.memory_bytes, what)

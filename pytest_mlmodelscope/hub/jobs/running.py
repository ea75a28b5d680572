"""The owner of a runner: gives it one job, listens to it, and ends it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any, Final

from pytest_mlmodelscope.hub.jobs.runner import Order

_END_SECONDS: Final = 10.0
_CHUNK: Final = 2**16


class Runner:
    """A process that waits for one job, then runs it."""

    def __init__(self, largest_bytes: int) -> None:
        """What it says in one line has at most ``largest_bytes``."""
        self._largest = largest_bytes
        self._rest = b""
        self._process = subprocess.Popen(  # our own module
            [sys.executable, "-m", "pytest_mlmodelscope.hub.jobs.runner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout

    @property
    def waits(self) -> bool:
        """Whether it is still there."""
        return self._process.poll() is None

    def start(self, order: Order) -> None:
        """Let it begin; one that is no more is noticed by who listens."""
        with suppress(BrokenPipeError):
            self._stdin.write(order.line())
            self._stdin.flush()

    def said(self, seconds: float) -> list[dict[str, Any]]:
        """What it says within a time, as soon as it says something.

        Raises:
            EOFError: it has ended.
            ValueError: it says too much at once.
        """
        readable, _, _ = select.select([self._stdout], [], [], seconds)
        if not readable:
            return []
        chunk = os.read(self._stdout.fileno(), _CHUNK)
        if not chunk:
            raise EOFError
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if max(map(len, (self._rest, *lines))) > self._largest:
            raise ValueError("the result is too large")
        return [json.loads(line) for line in lines]

    def end(self) -> str:
        """End it and all that it started; how it ended."""
        with suppress(BrokenPipeError):
            self._stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        self._stdout.close()
        return f"ended with exit status {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"

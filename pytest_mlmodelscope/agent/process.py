"""One worker process: started in a session of its own, watched, and ended with all its children."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

TAIL_LINES: Final = 20
LINE_LENGTH: Final = 300
#: An exit status that is this much above a signal's number tells that signal.
_OF_SIGNAL: Final = 128
_EXIT_SECONDS: Final = 1.0
_END_SECONDS: Final = 10.0


class WorkerProcess:
    """A process with pipes to its descriptors 0, 1 and 2. ``scratch`` is its home; it is removed.

    ``inherited`` are further descriptors that it gets, under the same numbers. ``relayed``: the
    process is one that stands before the worker, and says with the exit status 128 + N that signal
    N ended the worker.
    """

    def __init__(
        self,
        command: Sequence[str],
        variables: Mapping[str, str],
        scratch: Path,
        inherited: Sequence[int] = (),
        relayed: bool = False,
    ) -> None:
        self.scratch = scratch
        self._relayed = relayed
        self._owner = os.getpid()
        self.process = subprocess.Popen(  # the command is our own
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=scratch,
            env=dict(variables),
            start_new_session=True,
            pass_fds=inherited,
        )
        self.lines: deque[str] = deque(maxlen=TAIL_LINES)
        stderr = self.process.stderr
        assert stderr is not None
        self._drain = threading.Thread(target=_drain, args=(stderr, self.lines), name="mlms-worker-stderr", daemon=True)
        self._drain.start()

    @property
    def reader(self) -> int:
        """The descriptor that the worker's answers come from."""
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    @property
    def writer(self) -> int:
        """The descriptor that questions go to."""
        assert self.process.stdin is not None
        return self.process.stdin.fileno()

    def exited(self) -> bool:
        """Whether the process has ended; it is not reaped, so its number is still its own."""
        if self.process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None

    def end(self) -> str:
        """End the process and its children, wait for them, and say how it ended.

        A process whose pipe is closed ends by itself; one that does not within a second is killed.
        """
        assert self.process.stdin is not None
        if os.getpid() != self._owner:
            return "belongs to another process"
        if self.process.returncode is None:
            self.process.stdin.close()
            alone = self._exits_within(_EXIT_SECONDS)
            kill(self.process, self.scratch)
        else:
            alone = True
        how = _how(self.process.returncode, self._relayed)
        self._drain.join(_EXIT_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()
        shutil.rmtree(self.scratch, ignore_errors=True)
        return how if alone else "stopped answering and was ended"

    def _exits_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self.exited():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True


def kill(process: subprocess.Popen[bytes], scratch: Path) -> None:
    """Kill a process, its group and whatever left the group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)
    _kill_strays(scratch)


def _kill_strays(scratch: Path) -> None:
    """Kill processes that were started by the worker and took a session of their own.

    They are known by their home folder, which no other process has.
    """
    mark = b"HOME=" + os.fsencode(scratch)
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)


def _how(code: int | None, relayed: bool) -> str:
    if code is None:
        return "cannot be killed (it waits for a device)"
    if relayed and _OF_SIGNAL < code <= _OF_SIGNAL + signal.SIGRTMAX:
        code = _OF_SIGNAL - code
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _drain(pipe: IO[bytes], lines: deque[str]) -> None:
    """Read everything that the worker prints, and keep the beginning of each of the last lines."""
    rest = b""
    while chunk := os.read(pipe.fileno(), 65536):
        *whole, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
        # Of a flood only the end can be kept, so only that is looked at.
        lines.extend(text for line in whole[-4 * TAIL_LINES :] if (text := _shown(line)))
        rest = rest[:LINE_LENGTH]
    if text := _shown(rest):
        lines.append(text)
    pipe.close()


def _shown(line: bytes) -> str:
    text = line[: 4 * LINE_LENGTH].decode("utf-8", "replace").rstrip()
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= LINE_LENGTH else text[: LINE_LENGTH - 3] + "..."

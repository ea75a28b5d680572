"""A connection to another machine by the system's own ``ssh``, which every command there shares.

The user's configuration, keys and known hosts hold; nothing is asked, and no check is switched off.
One ``ssh`` is the master. Its command there ends when its input does, so that no connection outlives
this process, however that ends.
"""

from __future__ import annotations

import os
import select
import shlex
import shutil
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from pytest_mlmodelscope.core.errors import RemoteError

_SECONDS: Final = 60.0
_END_SECONDS: Final = 5.0
#: What ssh ends with when it fails itself.
BROKEN: Final = 255
_READY: Final = b"mlms: ready"
_GREETING: Final = f"echo; echo '{_READY.decode()}'; exec cat"
#: A path of a socket has room for about a hundred characters, of which ssh takes twenty.
_LONGEST_FOLDER: Final = 60
_OPTIONS: Final[Mapping[str, str]] = {
    "BatchMode": "yes",
    "ConnectTimeout": "20",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "4",
    "LogLevel": "ERROR",
    "RequestTTY": "no",
    "RemoteCommand": "none",
    "PermitLocalCommand": "no",
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "EscapeChar": "none",
    "ControlPersist": "no",
}
#: What ssh says, what that means, and what to do about it.
_REASONS: Final = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "shows another host key than the one that is known",
        "ask who runs that machine; if its key did change, ssh-keygen -R removes the old one",
    ),
    (
        "Host key verification failed",
        "has a host key that is not known here",
        "log in once by hand and compare the key: ssh {address}",
    ),
    (
        "Permission denied",
        "refuses the login",
        "make this work without a question: ssh -o BatchMode=yes {address} true",
    ),
    ("", "cannot be reached", "look at the address, and whether this works: ssh -o BatchMode=yes {address} true"),
)


class Connection:
    """The way to one machine; ``address`` is ``ssh://...``.

    Raises:
        RemoteError: there is none; says which of the usual reasons it is.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._folder = _short_folder()
        self._socket = self._folder / "s"
        with (self._folder / "said").open("wb") as said:
            self._master = self._started(said)
        self.close = weakref.finalize(self, _end, self._master, self._folder, os.getpid())
        if not _is_ready(self._master):
            error = self._refused()
            self.close()
            raise error

    @property
    def alive(self) -> bool:
        """Whether the master still runs."""
        return self._master.poll() is None

    def command(self, words: Sequence[str]) -> list[str]:
        """What to execute here so that ``words`` are executed there, with the same three descriptors."""
        there = " ".join(map(shlex.quote, words))
        return ["ssh", *_options({"ControlMaster": "no", "ControlPath": str(self._socket)}), "--", self.address, there]

    def run(self, words: Sequence[str], stdin: bytes | IO[bytes] = b"", seconds: float = _SECONDS) -> bytes:
        """Execute a command there; what it wrote to its output.

        Raises:
            RemoteError: it failed, took too long, or the connection broke.
        """
        given: Any = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
        try:
            done: subprocess.CompletedProcess[bytes] = subprocess.run(  # ssh
                self.command(words), capture_output=True, timeout=seconds, check=False, **given
            )
        except subprocess.TimeoutExpired:
            raise RemoteError(
                f"{self.address} did not answer in time", expected=f"the end of {words[0]} within {seconds:g} s"
            ) from None
        if done.returncode:
            raise self.broken(done.returncode, _last_lines(done.stderr))
        return done.stdout

    def broken(self, status: int, said: str) -> RemoteError:
        """The error of a command that ended with a status."""
        if status == BROKEN:
            hint = "look at the network and at that machine, then run again"
            return RemoteError(f"the connection to {self.address} broke", got=said or None, hint=hint)
        return RemoteError(f"a command on {self.address} failed", got=said or f"exit status {status}")

    def _started(self, said: IO[bytes]) -> subprocess.Popen[bytes]:
        options = _options({"ControlMaster": "yes", "ControlPath": str(self._socket)})
        greeting = shlex.join(["sh", "-c", _GREETING])
        try:
            return subprocess.Popen(
                ["ssh", *options, "--", self.address, greeting],  # noqa: S607  # the user's own
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
            )
        except OSError as error:
            shutil.rmtree(self._folder)
            what, hint = "there is no ssh client here", "install OpenSSH's client"
            raise RemoteError(what, where=self.address, got=error.strerror, hint=hint) from None

    def _refused(self) -> RemoteError:
        lines = _lines((self._folder / "said").read_bytes())
        said = "\n".join(lines)
        _, what, hint = next(reason for reason in _REASONS if reason[0] in said)
        got = lines[-1] if lines else f"no answer within {_SECONDS:g} s"
        return RemoteError(f"{self.address} {what}", got=got, hint=hint.format(address=self.address))


def _options(more: Mapping[str, str]) -> list[str]:
    return ["-T", *(part for name, value in {**_OPTIONS, **more}.items() for part in ("-o", f"{name}={value}"))]


def _short_folder() -> Path:
    usual = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="mlms-ssh-", dir=usual if len(usual) < _LONGEST_FOLDER else "/tmp"))  # noqa: S108


def _is_ready(master: subprocess.Popen[bytes]) -> bool:
    """Whether the command there began; what a shell prints before it is skipped."""
    assert master.stdout is not None
    deadline, said = time.monotonic() + _SECONDS, b""
    while _READY not in said.splitlines():
        left = deadline - time.monotonic()
        if left < 0 or not select.select([master.stdout], [], [], left)[0]:
            return False
        chunk = os.read(master.stdout.fileno(), 65536)
        if not chunk:
            master.wait()
            return False
        said += chunk
    return True


def _end(master: subprocess.Popen[bytes], folder: Path, owner: int) -> None:
    if os.getpid() != owner:
        return
    assert master.stdin is not None
    assert master.stdout is not None
    master.stdin.close()
    try:
        master.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        master.kill()
        master.wait()
    master.stdout.close()
    shutil.rmtree(folder, ignore_errors=True)


def _last_lines(said: bytes) -> str:
    return "\n".join(_lines(said)[-4:])


def _lines(said: bytes) -> list[str]:
    """What was said, without what would move the cursor of whoever reads it."""
    lines = said.decode(errors="replace").strip().splitlines()
    return ["".join(filter(str.isprintable, line)).strip() for line in lines]

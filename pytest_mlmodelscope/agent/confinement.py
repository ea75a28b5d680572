"""What keeps a worker from the network, the user's files and other processes: a ladder of mechanisms.

The best that works here is taken. Whether one works is tried once in a process, with a program that
does what a model must not: a kernel, a container or an administrator may forbid any of them.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.agent.environment import Environment
from pytest_mlmodelscope.agent.launcher import RISKY_IN_PROC
from pytest_mlmodelscope.agent.limits import Isolation, Limits
from pytest_mlmodelscope.agent.view import View, view
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable

#: Where the process is that started the worker, as the worker sees it.
_INIT: Final = 1
LAUNCHER: Final = Path(__file__).with_name("launcher.py")
_SECONDS: Final = 20
#: Prints what of the host can be reached: a file that nobody allowed, the network, a process.
PROBE: Final = """
import json, os, socket, sys
def fails(action):
    try:
        action()
    except OSError:
        return True
    return False
def most():
    with open("/proc/sys/kernel/pid_max") as file:
        return int(file.read())
def knock():
    with socket.create_connection(("127.0.0.1", int(sys.argv[2])), 5):
        pass
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", 9))
print(json.dumps({
    "files": "host" if not fails(lambda: open(sys.argv[1])) else "own view",
    "network": "host" if not fails(knock) else "none",
    "processes": "own" if os.getppid() == 1 else "shielded" if fails(lambda: os.kill(int(sys.argv[3]), 0)) else "host",
    "bounded": most() <= int(sys.argv[4]),
}))
"""


@dataclass(frozen=True, slots=True)
class Held:
    """What a mechanism keeps a worker from.

    ``files``: *own view* or *host*. ``network``: *none* or *host*. ``processes``: *own* (it sees no
    others), *shielded* (it sees them and can do nothing to them) or *host*. ``bounded``: the number
    of processes is limited, even root's. ``missing`` says why nothing better works here.
    """

    mechanism: str
    files: str = "host"
    network: str = "host"
    processes: str = "host"
    bounded: bool = False
    missing: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether neither the network nor a file of the user is in reach."""
        return self.files == "own view" and self.network == "none"


@dataclass(frozen=True, slots=True)
class Worker:
    """What is to be started: a command in a scratch folder, with what it may see."""

    command: Sequence[str]
    scratch: Path
    view: View
    processes: int


@dataclass(frozen=True, slots=True)
class Started:
    """A confined command. ``host`` is its parent as it sees it; ``relayed``: a signal that ends it
    comes out as the exit status 128 + its number.
    """

    command: list[str]
    host: int
    relayed: bool


def _bubblewrap(worker: Worker) -> Started:
    view, scratch = worker.view, str(worker.scratch)
    command = [_bwrap() or "bwrap", "--unshare-all", "--die-with-parent", "--cap-drop", "ALL"]
    for path, target in view.links.items():
        command += ["--symlink", target, path]
    for path in view.read:
        command += ["--ro-bind", path, path]
    command += ["--proc", "/proc"]
    for name in RISKY_IN_PROC:
        # It does so itself for users, but not for root.
        command += ["--ro-bind-try", f"/proc/{name}", f"/proc/{name}"]
    command += ["--dev", "/dev", "--remount-ro", "/dev", "--tmpfs", "/dev/shm"]  # noqa: S108
    for path in view.devices:
        command += ["--dev-bind", path, path]
    command += ["--bind", scratch, scratch, "--remount-ro", "/", "--chdir", scratch, "--"]
    return Started([*command, *worker.command], _INIT, relayed=True)


def _bwrap() -> str | None:
    return shutil.which("bwrap")


def _launched(how: str, worker: Worker) -> list[str]:
    plan = {
        "how": how,
        "host": os.getpid(),
        "scratch": str(worker.scratch),
        "processes": worker.processes,
        **asdict(worker.view),
    }
    return [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(plan), *worker.command]


def _namespaces(worker: Worker) -> Started:
    return Started(_launched("namespaces", worker), _INIT, relayed=True)


def _landlock(worker: Worker) -> Started:
    return Started(_launched("landlock", worker), os.getpid(), relayed=False)


def _limits(worker: Worker) -> Started:
    return Started(list(worker.command), os.getpid(), relayed=False)


#: The best first; the last always works.
LADDER: Final[dict[str, Callable[[Worker], Started]]] = {
    "bubblewrap": _bubblewrap,
    "namespaces": _namespaces,
    "landlock": _landlock,
    "limits": _limits,
}


def started(held: Held, worker: Worker) -> Started:
    """The command that starts a worker under a mechanism."""
    return LADDER[held.mechanism](worker)


def record(held: Held, limits: Limits, of_root: bool | None = None) -> dict[str, Any]:
    """What a record says of the isolation that held; a limit that does not bind is null.

    ``of_root``: whether the worker is root's, by default whether this process is.
    """
    bounds = limits.bounds()
    if (os.geteuid() == 0 if of_root is None else of_root) and not held.bounded:
        bounds["processes"] = None  # RLIMIT_NPROC does not bind root
    found = {"mechanism": held.mechanism, "files": held.files, "network": held.network, "processes": held.processes}
    return {**found, "limits": bounds, "missing": [] if held.whole else list(held.missing)}


def best(wish: Isolation) -> Held:
    """The mechanism to use.

    Raises:
        EnvironmentUnavailable: isolation is required, and the best that works here leaves the
            network or the user's files in reach.
    """
    return chosen(wish, lambda: _climbed(tuple(LADDER)), "this machine")


def chosen(wish: Isolation, climbed: Callable[[], Held], where: str) -> Held:
    """What was ``climbed`` to, as far as the wish asks for it; ``where`` names the machine.

    Raises:
        EnvironmentUnavailable: as ``best`` does.
    """
    if wish == "off":
        return Held("limits")
    found = climbed()
    if wish == "required" and not found.whole:
        raise EnvironmentUnavailable(
            f"a worker cannot be isolated on {where}",
            expected="neither the network nor a file of the user in reach",
            got=f"files: {found.files}; network: {found.network} ({'; '.join(found.missing)})",
            hint="install bubblewrap, or allow user namespaces (docs/isolation.md)",
        )
    return found


@functools.cache
def _climbed(ladder: tuple[str, ...]) -> Held:
    """The first of these that holds everything, else the one that holds most."""
    missing: list[str] = []
    partial = [Held("limits")]
    for mechanism in ladder:
        try:
            held = probed(mechanism)
        except (OSError, subprocess.SubprocessError) as error:
            missing.append(f"{mechanism}: {error}")
            continue
        if held.whole:
            return replace(held, missing=tuple(missing))
        partial.append(held)
    most = max(partial, key=lambda held: (held.files != "host") + (held.network == "none"))
    return replace(most, missing=tuple(missing))


def probed(mechanism: str) -> Held:
    """What a mechanism really holds here.

    Raises:
        OSError: it does not work; says why.
    """
    if mechanism == "bubblewrap" and _bwrap() is None:
        raise FileNotFoundError("bwrap is not installed")
    with tempfile.TemporaryDirectory(prefix="mlms-probe-") as folder:
        said = _said(mechanism, Path(folder))
    return Held(mechanism, **said)


def _said(mechanism: str, folder: Path) -> dict[str, Any]:
    import socket

    scratch, secret, most = folder / "scratch", folder / "secret", 4096
    scratch.mkdir()
    secret.touch()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        command = [sys.executable, "-I", "-S", "-c", PROBE, str(secret), str(port), str(os.getpid()), str(most)]
        host = Environment(Path(sys.executable), "host", "python", "", "host")
        worker = Worker(command, scratch, view(host, (), "cpu", {}), most)
        done = subprocess.run(  # our own program
            started(Held(mechanism), worker).command,
            capture_output=True,
            text=True,
            errors="replace",
            env={"LANG": "C.UTF-8"},
            cwd=scratch,
            timeout=_SECONDS,
            check=False,
        )
    if done.returncode:
        raise OSError((done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1])
    found: dict[str, Any] = json.loads(done.stdout)
    return found

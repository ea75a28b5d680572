"""Runs a worker on this machine for a host at the other end of an SSH connection, and ends it with that.

    serve.py run      what follows on standard input is the worker's wire
    serve.py probe    prints which of the plan's mechanisms confines a program here, as JSON

Standard input begins with the length of a plan (4 bytes, little-endian), the plan (JSON) and, as the plan
says, the bytes of the worker's archive. The interpreter that runs this is the worker's own.

The plan: ``site`` (folder of packages), ``files`` (of the model), ``system`` and ``devices`` (what every
worker may see), ``mechanism`` (*namespaces*, *landlock* or *limits*; of a probe ``mechanisms``), ``launcher``
(the text of ``agent/launcher.py``), ``confiner`` (a Python that can run that, and need not be the worker's),
``variables``, ``bounds`` (limits by their variables), ``archive`` (its bytes).
"""

import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from typing import Any

#: What a worker is started with: packages of its site folder alone, and not of this machine's.
_BOOT = """
import runpy, site, sys
if sys.argv[1]:
    site.addsitedir(sys.argv[1])
runpy.run_path(sys.argv[2], run_name="__main__")
"""
_LOOK_MS = 200
_OF_PREFIX = ("bin", "lib", "lib64", "pyvenv.cfg")
_PASSED = ("PATH", "LD_LIBRARY_PATH", "TZ")


def main() -> None:
    """Do what the argument says; the exit status of ``run`` is the worker's, 128 + N after signal N."""
    plan = _plan()
    scratch = os.path.realpath(tempfile.mkdtemp(prefix="mlms-worker-"))
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        status = {"run": _run, "probe": _probe}[sys.argv[1]](plan, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    # The worker's pipes are those of this process, whose buffers are empty.
    os._exit(status)


def _leave(number: int, _: "Any") -> None:
    sys.exit(128 + number)


def _plan() -> "dict[str, Any]":
    length = struct.unpack("<I", _exactly(4))[0]
    plan = json.loads(_exactly(length).decode("utf-8"))
    plan["code"] = _exactly(plan.get("archive", 0))
    return plan  # type: ignore[no-any-return]


def _exactly(length: int) -> bytes:
    """Bytes of standard input, and none of those that follow."""
    found = b""
    while len(found) < length:
        chunk = os.read(0, length - len(found))
        if not chunk:
            sys.exit("the host is gone")
        found += chunk
    return found


# -- the worker ---------------------------------------------------------------------------


def _run(plan: "dict[str, Any]", scratch: str) -> int:
    archive = os.path.join(scratch, "worker.zip")
    with open(archive, "wb") as file:
        file.write(plan["code"])
    command = [sys.executable, "-I", "-S", "-u", "-c", _BOOT, plan["site"], archive]
    confined = _confined(plan["mechanism"], command, plan, scratch)
    worker = subprocess.Popen(confined, env=_variables(plan, scratch), cwd=scratch, start_new_session=True)
    try:
        return _status(_watched(worker))
    finally:
        _kill(worker, scratch)


def _variables(plan: "dict[str, Any]", scratch: str) -> "dict[str, str]":
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    bounds = dict(plan["bounds"])
    if plan["mechanism"] != "namespaces":
        # The kernel counts all processes of the user, not only the worker's.
        bounds["MLMS_PROCESSES"] += _running()
    host = 1 if plan["mechanism"] == "namespaces" else os.getpid()
    own = {"HOME": scratch, "TMPDIR": scratch, "MLMS_HOST": str(host)}
    own.update((name, str(value)) for name, value in bounds.items())
    passed.update(plan["variables"])
    passed.update(own)
    return passed


def _running() -> int:
    with open("/proc/loadavg") as file:
        return int(file.read().split()[3].partition("/")[2])


def _watched(worker: "subprocess.Popen[bytes]") -> int:
    """Wait for the worker, or end it when the other end of the connection is gone."""
    poll = select.poll()
    # Whether it can be read or written is the worker's business; that it is closed comes unasked.
    poll.register(1, 0)
    while worker.poll() is None:
        if poll.poll(_LOOK_MS):
            _ended_soon(worker)
            return 128 + signal.SIGHUP
    return worker.returncode


def _ended_soon(worker: "subprocess.Popen[bytes]") -> None:
    """A worker ends by itself when its wire does, unless it is in the midst of something."""
    try:
        worker.wait(1.0)
    except subprocess.TimeoutExpired:
        worker.kill()


def _status(code: int) -> int:
    return code if code >= 0 else 128 - code


def _kill(worker: "subprocess.Popen[bytes]", scratch: str) -> None:
    """End the worker's processes, also those that took a session of their own: they have its home folder."""
    try:
        os.killpg(worker.pid, signal.SIGKILL)
    except OSError:
        pass
    worker.wait()
    mark = b"HOME=" + os.fsencode(scratch)
    for name in os.listdir("/proc"):
        try:
            with open("/proc/%s/environ" % name, "rb") as file:
                found = mark in file.read().split(b"\0")
            if found:
                os.kill(int(name), signal.SIGKILL)
        except (OSError, ValueError):
            continue


# -- what it may see ----------------------------------------------------------------------


def _confined(mechanism: str, command: "list[str]", plan: "dict[str, Any]", scratch: str) -> "list[str]":
    if mechanism == "limits":
        return command
    launcher = os.path.join(scratch, "launcher.py")
    with open(launcher, "w") as file:
        file.write(plan["launcher"])
    read, links = _view(_wanted(plan))
    about = {
        "how": mechanism,
        "host": os.getpid(),
        "scratch": scratch,
        "read": read,
        "links": links,
        "devices": [path for path in plan["devices"] if os.path.exists(path)],
        "processes": plan["bounds"]["MLMS_PROCESSES"],
    }
    return [plan["confiner"], "-I", "-S", launcher, json.dumps(about)] + command


def _wanted(plan: "dict[str, Any]") -> "list[str]":
    prefixes = sorted({sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix})
    of_python = [os.path.join(prefix, name) for prefix in prefixes for name in _OF_PREFIX]
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    wanted = plan["system"] + [sys.executable] + of_python + libraries
    home = os.path.realpath(os.path.expanduser("~"))
    small = [path for path in wanted if path.startswith("/") and not (home + "/").startswith(_folder(path))]
    return small + [path for path in [plan["site"]] + plan["files"] if path]


def _folder(path: str) -> str:
    return os.path.realpath(path).rstrip("/") + "/"


def _view(wanted: "list[str]") -> "tuple[list[str], dict[str, str]]":
    """Where these are, without any that lies in another, and the links on the way."""
    links = {}  # type: dict[str, str]
    real = {_followed(path, links) for path in wanted if os.path.exists(path)}
    read = sorted(path for path in real if not _below(path, real))
    return read, {path: target for path, target in links.items() if not _below(path, real)}


def _followed(path: str, links: "dict[str, str]") -> str:
    done, left = "/", [part for part in path.split("/") if part]
    while left:
        place = os.path.normpath(done.rstrip("/") + "/" + left.pop(0))
        if not os.path.islink(place):
            done = place
            continue
        target = links[place] = os.readlink(place)
        left = [part for part in target.split("/") if part] + left
        done = "/" if target.startswith("/") else done
    return done


def _below(path: str, others: "set[str]") -> bool:
    parent = os.path.dirname(path)
    while parent not in ("/", ""):
        if parent in others:
            return True
        parent = os.path.dirname(parent)
    return False


# -- whether a mechanism works ------------------------------------------------------------


def _probe(plan: "dict[str, Any]", scratch: str) -> int:
    """Print each mechanism with what the plan's program says under it, or why it does not work."""
    tried = {}
    for mechanism in plan["mechanisms"]:
        own = os.path.join(scratch, mechanism)
        os.mkdir(own)
        try:
            tried[mechanism] = _tried(mechanism, plan, own)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            tried[mechanism] = {"error": str(error)}
    sys.stdout.write(json.dumps(tried))
    sys.stdout.flush()
    return 0


def _tried(mechanism: str, plan: "dict[str, Any]", scratch: str) -> "dict[str, Any]":
    secret = scratch + ".secret"
    with open(secret, "w"), socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        asked = [secret, str(server.getsockname()[1]), str(os.getpid()), str(plan["bounds"]["MLMS_PROCESSES"])]
        command = [sys.executable, "-I", "-S", "-c", plan["program"]] + asked
        done = subprocess.run(
            _confined(mechanism, command, plan, scratch),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"LANG": "C.UTF-8"},
            cwd=scratch,
            timeout=20,
            check=False,
        )
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().split("\n")
        raise OSError(lines[-1] or "ended with %d" % done.returncode)
    return json.loads(done.stdout.decode("utf-8"))  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()

"""Confine this process, then become the worker: ``python -I -S launcher.py PLAN COMMAND...``.

The host's Python runs this file in a process of its own, since what is given up here cannot be
taken back; all of it survives the step into the worker's interpreter, which may be an old one. So
it imports the standard library only, and speaks to the kernel through ctypes: the packages that
wrap Landlock are first releases of one author each, and those for seccomp are abandoned or compiled.
libseccomp itself, which knows the numbers of system calls, is on nearly every Linux.

PLAN is JSON: ``how`` (*namespaces* or *landlock*), ``host`` (the process that must outlive this
one), ``scratch``, ``read`` and ``devices`` (paths without links in them), ``links`` (path to
target) and ``processes`` (the most there may be).
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any, Final, NoReturn

Plan = Mapping[str, Any]

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD: Final = -100
#: Their numbers are the same on every architecture.
_MOUNT_SETATTR, _CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 442, 444, 445, 446

_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38
_CAPABILITIES_3: Final = 0x20080522

_NEW_NS, _NEW_IPC, _NEW_USER, _NEW_PID, _NEW_NET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
_AT_RECURSIVE, _MNT_DETACH = 0x8000, 2
#: Of ``/proc``: a process of root could change the whole machine through these, whatever namespace it is in.
RISKY_IN_PROC: Final = ("sys", "sysrq-trigger", "irq", "bus")
_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108  # a mount of our own

#: Rights of Landlock, as the kernel's documentation numbers them.
_EXECUTE, _WRITE, _READ, _READ_FOLDER = 1, 2, 4, 8
_IOCTL: Final = 1 << 15
_RIGHTS: Final = {3: (1 << 15) - 1, 5: (1 << 16) - 1}
_OF_FILES: Final = _EXECUTE | _WRITE | _READ | (1 << 14) | _IOCTL

#: The kernel takes no smaller number, and leaves the old one then.
_LEAST_PID_MAX = 301
#: What Landlock leaves open: every socket but those of TCP, the memory and keys that processes of a
#: user share, and who a file belongs to. ``prlimit64`` is refused for other processes only.
_REFUSED: Final = (
    ("socket", "io_uring_setup", "shmget", "msgget", "semget", "mq_open", "add_key", "request_key", "keyctl"),
    ("bpf", "perf_event_open", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
    ("setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr"),
    ("removexattrat", "utime", "utimes", "futimesat", "utimensat", "utimensat_time64"),
)
_SCMP_ALLOW, _SCMP_ERRNO, _SCMP_UNEQUAL, _SCMP_BAD_ARCHITECTURE, _SCMP_UNKNOWN = 0x7FFF0000, 0x00050000, 1, 2, -1


def main() -> NoReturn:
    """Confine this process and execute the command."""
    plan, command = json.loads(sys.argv[1]), sys.argv[2:]
    try:
        _die_with_parent()
        if os.getppid() != plan["host"]:
            sys.exit("the host is gone")
        {"namespaces": _enter_namespaces, "landlock": _enter_landlock}[plan["how"]](plan)
        _give_up_capabilities()
        os.execv(command[0], command)  # noqa: S606  # becoming that program is what this one is for
    except OSError as error:
        sys.exit(f"the worker cannot be confined: {error}")


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _give_up_capabilities() -> None:
    """Nothing that is executed from here on gets a capability, not even root."""
    _checked(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    for capability in range(64):
        _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0)
    _checked(_LIBC.capset(header, (ctypes.c_uint32 * 6)()), "capset")


# -- namespaces ---------------------------------------------------------------------------


def _enter_namespaces(plan: Plan) -> None:
    """A network, processes and a tree of files of our own; two small processes stay outside of it.

    The first waits for the second, which is the one that the kernel ends all others with.
    """
    user, group = os.getuid(), os.getgid()
    _checked(_LIBC.unshare(_NEW_USER | _NEW_NS | _NEW_PID | _NEW_NET | _NEW_IPC), "unshare")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{user} {user} 1")
    _write("/proc/self/gid_map", f"{group} {group} 1")
    _go_on_in_a_child()
    _see_only(plan)
    _go_on_in_a_child()


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _go_on_in_a_child() -> None:
    """Return in a child; this process waits for it and ends as it does, with 128 + a signal's number."""
    _die_with_parent()
    child = os.fork()
    if child == 0:
        _die_with_parent()
        return
    ended, status = os.wait()
    while ended != child:
        ended, status = os.wait()
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


def _see_only(plan: Plan) -> None:
    """Make a tree of what the plan names the root, everything read-only but the scratch folder."""
    scratch = plan["scratch"]
    root = os.path.join(scratch, ".root")
    os.mkdir(root)
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    _mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755")
    for path, target in plan["links"].items():
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        os.symlink(target, root + path)
    for path in plan["read"]:
        _bind(path, root + path)
        _read_only(root + path, _MS_NOSUID | _MS_NODEV)
    _add_devices(root, plan["devices"])
    _add_processes(root, plan["processes"])
    _bind(scratch, root + scratch, 0)
    _read_only(root, 0, 0)
    os.chdir(root)
    _checked(_LIBC.pivot_root(b".", b"."), "pivot_root")
    _checked(_LIBC.umount2(b".", _MNT_DETACH), "umount")
    os.chdir(scratch)
    os.rmdir(".root")


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    texts = [None if text is None else text.encode() for text in (source, target, kind, data)]
    _checked(_LIBC.mount(*texts[:3], ctypes.c_ulong(flags), texts[3]), f"mount {target}")


def _bind(source: str, target: str, recursive: int = _MS_REC) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    _mount(source, target, None, _MS_BIND | recursive)


def _read_only(target: str, more: int, recursive: int = _AT_RECURSIVE) -> None:
    wanted = (ctypes.c_uint64 * 4)(_MS_RDONLY | more)
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    done = _LIBC.syscall(_MOUNT_SETATTR, _AT_FDCWD, target.encode(), recursive, wanted, size)
    _checked(done, f"mount_setattr {target}")


def _add_devices(root: str, devices: list[str]) -> None:
    for path in devices:
        _bind(path, root + path)
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{target}", f"{root}/dev/{name}")
    os.mkdir(root + _SHARED_MEMORY)
    _mount("tmpfs", root + _SHARED_MEMORY, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=1g,mode=1777")


def _add_processes(root: str, most: int) -> None:
    proc = f"{root}/proc"
    os.makedirs(proc, exist_ok=True)
    _mount("proc", proc, "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    # The first holds for root too, whom RLIMIT_NPROC does not bind, but only from Linux 6.14 on.
    for name, value in (("kernel/pid_max", max(most, _LEAST_PID_MAX)), ("user/max_user_namespaces", 0)):
        try:
            _write(f"{proc}/sys/{name}", str(value))
        except OSError:
            continue
    for name in RISKY_IN_PROC:
        if os.path.exists(f"{proc}/{name}"):
            _mount(f"{proc}/{name}", f"{proc}/{name}", None, _MS_BIND | _MS_REC)
            _read_only(f"{proc}/{name}", 0)


# -- Landlock and seccomp -----------------------------------------------------------------


def _enter_landlock(plan: Plan) -> None:
    """Keep this process to the files of the plan, and from sockets where libseccomp is at hand.

    Raises:
        OSError: the kernel has no Landlock, or one that lets files be truncated (before Linux 6.2).
    """
    _checked(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    version = _checked(_LIBC.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1), "Landlock")
    if version < min(_RIGHTS):
        raise OSError(errno.EOPNOTSUPP, "the kernel's Landlock is too old", f"version {version}")
    rights = max(value for since, value in _RIGHTS.items() if since <= version)
    wanted = (ctypes.c_uint64 * 3)(rights, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    ruleset = _LIBC.syscall(_CREATE_RULESET, wanted, ctypes.c_size_t(ctypes.sizeof(wanted)), 0)
    _checked(ruleset, "Landlock")
    for path in [*plan["read"], "/proc"]:
        _allow(ruleset, path, rights & (_EXECUTE | _READ | _READ_FOLDER))
    for path in plan["devices"]:
        _allow(ruleset, path, rights & (_READ | _WRITE | _IOCTL))
    _allow(ruleset, plan["scratch"], rights)
    _checked(_LIBC.syscall(_RESTRICT_SELF, ruleset, 0), "Landlock")
    os.close(ruleset)
    _refuse_sockets()


def _allow(ruleset: int, path: str, rights: int) -> None:
    class Rule(ctypes.Structure):
        _pack_ = 1
        _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))

    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    if not os.path.isdir(path):
        rights &= _OF_FILES
    done = _LIBC.syscall(_ADD_RULE, ruleset, 1, ctypes.byref(Rule(rights, place)), 0)
    os.close(place)
    _checked(done, f"Landlock {path}")


def _refuse_sockets() -> None:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return

    class Compared(ctypes.Structure):
        _fields_ = (("argument", ctypes.c_uint), ("how", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))

    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(_SCMP_ALLOW))
    refuse = _SCMP_ERRNO | errno.EPERM
    library.seccomp_attr_set(rules, _SCMP_BAD_ARCHITECTURE, refuse)
    for name in (name for names in _REFUSED for name in names):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number != _SCMP_UNKNOWN:
            _checked(library.seccomp_rule_add_array(rules, refuse, number, 0, None), f"seccomp {name}")
    other = Compared(0, _SCMP_UNEQUAL, 0, 0)
    number = library.seccomp_syscall_resolve_name(b"prlimit64")
    _checked(library.seccomp_rule_add_array(rules, refuse, number, 1, ctypes.byref(other)), "seccomp prlimit64")
    _checked(library.seccomp_load(rules), "seccomp")


if __name__ == "__main__":
    main()

"""Prints what this machine has done so far, as one line of JSON: of two such looks, the difference is what went on.

    look.py [PID]        at the worker that this process is or started; without it, at every worker of this user
    look.py settings     prints how the machine is set up where that makes times steady or not

Seconds are of processor time. What cannot be read here is null.
"""

import json
import os
import re
import sys
import time
from typing import Any

#: Of this many of the worker's cores the kernel is asked how often they were too hot.
_CORES = 16
_TICK = 1.0 / os.sysconf("SC_CLK_TCK")
#: What a worker has among its variables, and nothing else.
_MARK = b"MLMS_HOST="
_FOLDER = "sys/devices/system/cpu/"
#: What switches a processor's higher clocks, and what stands there when they are on.
_TURBO = {_FOLDER + "intel_pstate/no_turbo": "0", _FOLDER + "cpufreq/boost": "1"}


def main() -> None:
    """Look once."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    json.dump(settings() if word == "settings" else look(int(word) if word else None), sys.stdout)


def look(pid: "int | None" = None, root: str = "/") -> "dict[str, Any]":
    """All that is told of this moment; ``root`` is where ``proc`` and ``sys`` are."""
    processes = _processes(root)
    worker = _worker(root, processes, pid)
    return {
        "at": time.monotonic(),
        "tick": _TICK,
        "own": os.getpid(),
        "cores": cores(root),
        "processes": processes,
        "worker": worker,
        "stalled": {name: _stalled(root + "proc/pressure/" + name) for name in ("cpu", "memory", "io")},
        "swapped_in": _of(_text(root + "proc/vmstat"), "pswpin"),
        "available": _times(_of(_text(root + "proc/meminfo"), "MemAvailable:"), 1024),
        "load": _floats(_text(root + "proc/loadavg"), 3),
        "capped_s": _capped(root),
        "hot": _hot(root, worker["cores"]),
    }


def _text(path: str, most: int = -1) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(most)
    except OSError:
        return ""


def _first_line(path: str) -> str:
    return _text(path).strip().split("\n")[0]


def _of(text: str, name: str) -> "int | None":
    """The number on the line that begins with a name."""
    for line in text.split("\n"):
        words = line.split()
        if len(words) > 1 and words[0] == name and words[1].isdigit():
            return int(words[1])
    return None


def _times(count: "int | None", factor: float) -> "float | None":
    return None if count is None else count * factor


def _floats(text: str, count: int) -> "list[float] | None":
    words = text.split()[:count]
    return [float(word) for word in words] if len(words) == count else None


# -- the machine --------------------------------------------------------------------------


def cores(root: str = "/") -> "dict[str, list[float | None]]":
    """Of each core the seconds in which it was at work, and those that a hypervisor took from it.

    A virtual machine that was never robbed since it began is one that is not told.
    """
    lines = [line.split() for line in _text(root + "proc/stat").split("\n") if re.match("cpu[0-9]", line)]
    ticks = {words[0][3:]: [int(word) for word in words[1:9]] for words in lines if len(words) > 8}
    told = any(count[7] for count in ticks.values()) or not _virtual(root)
    return {
        core: [(sum(count[:3]) + sum(count[5:7])) * _TICK, count[7] * _TICK if told else None]
        for core, count in ticks.items()
        if sum(count)
    }


def _virtual(root: str) -> "bool | None":
    flags = [line for line in _text(root + "proc/cpuinfo", 4096).split("\n") if line.startswith("flags")]
    if flags:
        return "hypervisor" in flags[0].split()
    return True if os.path.exists(root + "proc/device-tree/hypervisor") else None


def _stalled(path: str) -> "float | None":
    """The seconds in which at least one process waited for this."""
    for line in _text(path).split("\n"):
        if line.startswith("some "):
            return int(line.rpartition("total=")[2]) * 1e-6
    return None


def _capped(root: str) -> "float | None":
    """The seconds for which the control group of this process, or one above it, was held back by its quota."""
    told = [_capped_one(_text(folder + "/cpu.stat")) for folder in _groups(root)]
    found = [seconds for seconds in told if seconds is not None]
    return max(found) if found else None


def _groups(root: str) -> "list[str]":
    """The folders of the control groups of this process, each with those above it."""
    found = []
    for line in _text(root + "proc/self/cgroup").split("\n"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number and (controllers == "" or "cpu" in controllers.split(",")):
            tops = ("/cpu", "/cpu,cpuacct") if controllers else ("", "/unified")
            found += [root + "sys/fs/cgroup" + top + below for top in tops for below in _upwards(path)]
    return found


def _upwards(path: str) -> "list[str]":
    parts = [part for part in path.split("/") if part and part != ".."]
    return ["".join("/" + part for part in parts[:count]) for count in range(len(parts), -1, -1)]


def _capped_one(text: str) -> "float | None":
    if _of(text, "throttled_usec") is not None:
        return _times(_of(text, "throttled_usec"), 1e-6)
    return _times(_of(text, "throttled_time"), 1e-9)


def _hot(root: str, allowed: "list[int]") -> "int | None":
    """How often the worker's cores, or the processors that have them, were slowed down for their temperature."""
    folder = root + _FOLDER + "cpu%d/thermal_throttle/%s_throttle_count"
    step = max(1, len(allowed) // _CORES)
    told = [_text(folder % (core, of)).strip() for core in allowed[::step] for of in ("core", "package")]
    counts = [int(text) for text in told if text.isdigit()]
    return sum(counts) if counts else None


# -- processes ----------------------------------------------------------------------------


def _processes(root: str) -> "dict[str, list[Any]]":
    """Of each process when it began, its parent, its name, its seconds, how often it waited for a page of the disk's,
    and its core.
    """
    found = {}
    try:
        names = os.listdir(root + "proc")
    except OSError:
        return {}
    for name in names:
        if name.isdigit():
            said, _, rest = _text(root + "proc/" + name + "/stat").rpartition(")")
            words = rest.split()
            if len(words) > 36:
                seconds = (int(words[11]) + int(words[12])) * _TICK
                called = "".join(letter for letter in said.partition("(")[2] if letter.isprintable())
                found[name] = [int(words[19]), words[1], called, seconds, int(words[9]), int(words[36])]
    return found


def _worker(root: str, processes: "dict[str, list[Any]]", pid: "int | None") -> "dict[str, Any]":
    """The processes of a worker, their threads, and the cores that they may use."""
    pids = _marked(root, processes) if pid is None else _family(processes, str(pid))
    return {"pids": pids, "threads": _threads(root, pids), "cores": _allowed(root, pids)}


def _marked(root: str, processes: "dict[str, list[Any]]") -> "list[str]":
    return [name for name in processes if _MARK in _bytes(root + "proc/" + name + "/environ")]


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _family(processes: "dict[str, list[Any]]", pid: str) -> "list[str]":
    """A process and all that it started."""
    children = {}  # type: dict[Any, list[str]]
    for name, about in processes.items():
        children.setdefault(about[1], []).append(name)
    found = [pid] if pid in processes else []
    for name in found:
        found += children.get(name, [])
    return found


def _threads(root: str, pids: "list[str]") -> "dict[str, list[Any]]":
    """Of each thread the seconds that it ran, those that it waited for a core, and how often one was taken from it."""
    found = {}
    for pid in pids:
        folder = root + "proc/" + pid + "/task/"
        for thread in _listed(folder):
            words = _text(folder + thread + "/schedstat").split()
            if len(words) > 1:
                taken = _of(_text(folder + thread + "/status"), "nonvoluntary_ctxt_switches:")
                found[thread] = [int(words[0]) * 1e-9, int(words[1]) * 1e-9, taken]
    return found


def _listed(folder: str) -> "list[str]":
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _allowed(root: str, pids: "list[str]") -> "list[int]":
    """The cores that the worker may use: those of the last process, since others only stand before it."""
    for line in _text(root + "proc/" + pids[-1] + "/status").split("\n") if pids else ():
        if line.startswith("Cpus_allowed_list:"):
            return numbers(line.partition(":")[2])
    return []


def numbers(text: str) -> "list[int]":
    """The numbers in the kernel's way of writing many: ``0-3,8``."""
    found = []  # type: list[int]
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            found += range(int(first), int(last or first) + 1)
    return found


# -- how it is set up -----------------------------------------------------------------------


def settings(root: str = "/") -> "dict[str, Any]":
    """All that is told of it; ``root`` as above."""
    known = topology(root)
    switches = {path: _first_line(root + path) for path in _TURBO}
    turbo = {"/" + path: told == _TURBO[path] for path, told in switches.items() if told}
    governors = {_first_line(root + _FOLDER + "cpu%s/cpufreq/scaling_governor" % core) for core in known}
    places, memory = [about[1] for about in known.values()], _text(root + "proc/meminfo")
    return {
        "governors": sorted(governors - {""}) or None,
        "turbo": turbo or None,
        "siblings": len(set(places)) < len(places) if places else None,
        "virtual": _virtual(root),
        "quota": _quota(root),
        "pressure": os.path.exists(root + "proc/pressure/cpu"),
        "swap": _times(_more(_of(memory, "SwapTotal:"), _of(memory, "SwapFree:")), 1024),
        "paranoid": _number(_first_line(root + "proc/sys/kernel/perf_event_paranoid")),
        "hot": os.path.exists(root + _FOLDER + "cpu0/thermal_throttle"),
        "topology": known,
    }


def _number(text: str) -> "int | None":
    return int(text) if text.lstrip("-").isdigit() else None


def _more(whole: "int | None", part: "int | None") -> "int | None":
    return None if whole is None or part is None else whole - part


def topology(root: str = "/") -> "dict[str, list[Any]]":
    """Of each core its processor, the place in it (one place may have several cores), and how quick it can be.

    A processor has places of several kinds where some are made to save power.
    """
    found = {}
    for name in _listed(root + _FOLDER):
        folder = root + _FOLDER + name
        package, place = (_first_line(folder + "/topology/" + of) for of in ("physical_package_id", "core_id"))
        if name[:3] == "cpu" and name[3:].isdigit() and place:
            found[name[3:]] = [package, package + ":" + place, _capacity(folder)]
    return found


def _capacity(folder: str) -> int:
    told = [_number(_first_line(folder + name)) for name in ("/cpu_capacity", "/cpufreq/cpuinfo_max_freq")]
    return next((capacity for capacity in told if capacity is not None), 0)


def _quota(root: str) -> "float | None":
    """How many cores' time the control groups of this process may take; None: no less than there is, or untold."""
    files = (("/cpu.max",), ("/cpu.cfs_quota_us", "/cpu.cfs_period_us"))
    told = [" ".join(_first_line(folder + name) for name in names) for folder in _groups(root) for names in files]
    pairs = [words.split() for words in told if words.replace(" ", "").isdigit()]
    quotas = [int(pair[0]) / int(pair[1]) for pair in pairs if len(pair) == 2]
    return min(quotas) if quotas else None


if __name__ == "__main__":
    main()

"""Prints what this machine is, as one line of JSON."""

import json
import os
import platform
import sys

#: Characters of /proc/cpuinfo that are told: the first processor, and what follows the last one.
_FIRST, _LAST = 8000, 1000
_CPUS = "/sys/devices/system/cpu"
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}
_LETTERS = {"Data": "d", "Instruction": "i"}


def main() -> None:
    """The architecture, the processor in the kernel's words, memory in bytes, and where things may be kept."""
    facts = {
        "arch": platform.machine(),
        "processor": platform.processor(),
        "cpuinfo": _cpuinfo(),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "threads": os.cpu_count(),
        "sockets": len(_told("topology/physical_package_id")) or None,
        "cores": len(_told("topology/physical_package_id", "topology/core_id")) or None,
        "caches": _caches(),
        "system": platform.system(),
        "os": _os(),
        "kernel": platform.release(),
        "node": platform.node(),
        "libc": list(platform.libc_ver()),
        "python": "%s %s" % (platform.python_implementation(), platform.python_version()),
        "governor": _first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "load_average": list(os.getloadavg()),
        "user": os.geteuid(),
        "cache": _cache(),
    }
    json.dump(facts, sys.stdout)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _first_line(path: str) -> "str | None":
    return _text(path).strip().split("\n")[0] or None


def _cpuinfo() -> str:
    text = _text("/proc/cpuinfo")
    return text if len(text) < _FIRST + _LAST else text[:_FIRST] + "\n" + text[-_LAST:]


def _told(*names: str) -> "set[tuple[str | None, ...]]":
    """What the kernel says of the processors under these names, each only once; nothing where it does not."""
    folders = ["%s/cpu%d" % (_CPUS, number) for number in range(os.cpu_count() or 0)]
    found = {tuple(_first_line(os.path.join(folder, name)) for name in names) for folder in folders}
    return {values for values in found if None not in values}


def _caches() -> "dict[str, int]":
    """Bytes of each cache that the first core uses."""
    found = {}
    for number in range(10):
        folder = "%s/cpu0/cache/index%d/" % (_CPUS, number)
        level, kind, size = [_first_line(folder + name) or "" for name in ("level", "type", "size")]
        if size[:-1].isdigit() and size[-1] in _UNITS:
            found["L%s%s" % (level, _LETTERS.get(kind, ""))] = int(size[:-1]) * _UNITS[size[-1]]
    return found


def _os() -> str:
    for line in _text("/etc/os-release").split("\n"):
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip("\"'")
    return platform.system()


def _cache() -> str:
    """The folder in which the program keeps what it needs: as on the user's own machine."""
    given = os.environ.get("MLMS_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(os.path.abspath(given or os.path.join(home, "mlmodelscope")), "remote")


if __name__ == "__main__":
    main()

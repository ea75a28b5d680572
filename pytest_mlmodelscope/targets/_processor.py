"""What this machine's processor does at a moment: clock, temperature, memory that is left, load."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.interfaces.target import Machine, Reading

#: Sensors of processors, by the names that their drivers and the kernel give them.
SENSORS: Final = {"coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu-thermal", "x86_pkg_temp", "soc_thermal"}
#: Of so many cores the clock is read: the kernel may have to ask each of them.
_CORES: Final = 8


@contextmanager
def watching(machine: Machine, root: Path = Path("/")) -> Iterator[Callable[[], Reading]]:
    """Gives what reads the processor; nothing of one that is not this machine's own."""
    if machine.nature != "hardware":
        yield dict
        return
    yield partial(_reading, _clocks(root), _sensors(root))


def _clocks(root: Path) -> Sequence[Path]:
    cores = sorted(os.sched_getaffinity(0))
    chosen = cores[:: max(1, len(cores) // _CORES)]
    paths = (root / f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq" for core in chosen)
    return [path for path in paths if path.exists()]


def _sensors(root: Path) -> Sequence[Path]:
    """What tells the temperature of processors: the first sensor of each, which is that of the whole."""
    named = [*root.glob("sys/class/hwmon/hwmon*/name"), *root.glob("sys/class/thermal/thermal_zone*/type")]
    found = [path for path in named if _text(path) in SENSORS]
    values = (path.with_name("temp1_input" if path.name == "name" else "temp") for path in found)
    return [path for path in values if path.exists()]


def _reading(clocks: Sequence[Path], sensors: Sequence[Path]) -> Reading:
    import psutil

    clock, temperature = (max(map(_number, paths), default=0) for paths in (clocks, sensors))
    return {
        "load": os.getloadavg()[0],
        "available_bytes": psutil.virtual_memory().available,
        # Of several cores the quickest is the one at work.
        **({"clock_mhz": clock / 1e3} if clock else {}),
        **({"temperature_c": temperature / 1e3} if temperature else {}),
    }


def _number(path: Path) -> int:
    with suppress(ValueError):
        return int(_text(path))
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""

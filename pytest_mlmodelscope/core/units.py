"""Units that a claim may use, and what a metric's base unit is multiplied by to get them."""

from __future__ import annotations

from typing import Final

from pytest_mlmodelscope.core.errors import UsageError, did_you_mean

#: unit -> (base unit, how many of it make one of the base)
UNITS: Final[dict[str, tuple[str, float]]] = {
    "1": ("1", 1.0),
    "%": ("1", 100.0),
    "s": ("s", 1.0),
    "ms": ("s", 1e3),
    "us": ("s", 1e6),
    "ns": ("s", 1e9),
    "1/s": ("1/s", 1.0),
    "B": ("B", 1.0),
    "kB": ("B", 1e-3),
    "MB": ("B", 1e-6),
    "GB": ("B", 1e-9),
    "KiB": ("B", 1 / 1024),
    "MiB": ("B", 1 / 1024**2),
    "GiB": ("B", 1 / 1024**3),
    "parameters": ("parameters", 1.0),
    "thousand parameters": ("parameters", 1e-3),
    "million parameters": ("parameters", 1e-6),
    "instructions": ("instructions", 1.0),
    "thousand instructions": ("instructions", 1e-3),
    "million instructions": ("instructions", 1e-6),
    "cycles": ("cycles", 1.0),
    "Hz": ("Hz", 1.0),
    "kHz": ("Hz", 1e-3),
    "MHz": ("Hz", 1e-6),
    "GHz": ("Hz", 1e-9),
    "LUT": ("LUT", 1.0),
    "FF": ("FF", 1.0),
    "DSP": ("DSP", 1.0),
    "BRAM": ("BRAM", 1.0),
}


def factor(base: str, unit: str) -> float:
    """What a figure in ``base`` is multiplied by to stand in ``unit``.

    Raises:
        UsageError: the unit is unknown or of another dimension.
    """
    known = UNITS.get(unit)
    if known is None or known[0] != base:
        fitting = [name for name, (of, _) in UNITS.items() if of == base]
        raise UsageError(
            f'unit "{unit}" does not fit', expected=" or ".join(fitting), got=unit, hint=did_you_mean(unit, fitting)
        )
    return known[1]

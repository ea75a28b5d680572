"""What ``--mlms-evidence`` asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much evidence is taken: at most ``sample`` items of a dataset (None: all), or as many as decide. A verdict
    is wrong with a probability of at most ``error``.
    """

    sample: int | None = None
    sequential: bool = False
    error: float = 0.05


def evidence(text: str | None) -> Evidence:
    """What ``--mlms-evidence`` asks for.

    Raises:
        UsageError: it is none of ``full``, ``sample:N``, ``sequential`` and ``sequential:ERROR``.
    """
    kind, _, detail = str(text or "full").partition(":")
    if kind == "sample" and detail.isdigit() and int(detail) >= 1:
        return Evidence(sample=int(detail))
    if kind == "sequential":
        error = _share(detail) if ":" in str(text) else 0.05
        if 0 < error < 0.5:
            return Evidence(sequential=True, error=error)
    if kind != "full" or detail:
        expected = "full, sample:N, sequential or sequential:ERROR, such as sequential:1%"
        raise pytest.UsageError(f"--mlms-evidence: expected {expected}, got {text!r}")
    return Evidence()


def _share(text: str) -> float:
    """A number, or one of hundred; NaN for anything else."""
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return math.nan

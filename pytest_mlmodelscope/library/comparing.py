"""Two records side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_mlmodelscope.record import diff as records
from pytest_mlmodelscope.record.build import read
from pytest_mlmodelscope.record.diff import Difference


def diff(a: str | Path | Mapping[str, Any], b: str | Path | Mapping[str, Any]) -> Difference:
    """What changed from record ``a`` to record ``b``: files, or what ``record_of`` gives.

    Raises:
        DocumentError: a file cannot be read, or is no record.
    """
    names = tuple("a record" if isinstance(one, Mapping) else str(one) for one in (a, b))
    held = [one if isinstance(one, Mapping) else read(Path(one)) for one in (a, b)]
    return records.diff(held[0], held[1], (names[0], names[1]))

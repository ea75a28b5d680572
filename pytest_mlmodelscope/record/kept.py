"""What was kept of a case beside its record, read again: predictions and outputs."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Kept:
    """One case of a record, and what was read of its files."""

    case: Mapping[str, Any]
    _found: dict[str, Any] = field(default_factory=dict)


_Rows = list[tuple[str, Any, Any]]


def predictions_of(kept: Kept) -> _Rows | None:
    """Id, prediction and reference of each item; None where the file is not here, or damaged."""
    from pytest_mlmodelscope.store import predictions

    rows: _Rows | None = _read(kept, "predictions", lambda path: list(predictions.read(path)))
    return rows


def outputs_of(kept: Kept) -> dict[str, Any] | None:
    """The outputs by name; None where the file is not here, or damaged."""
    from pytest_mlmodelscope.store import arrays

    outputs: dict[str, Any] | None = _read(kept, "outputs", arrays.read)
    return outputs


def _read(kept: Kept, what: str, read: Any) -> Any:
    from pytest_mlmodelscope.store.results import used

    if what not in kept._found:
        path = _place(what, kept.case.get(what, {}))
        try:
            kept._found[what] = None if path is None else read(path)
            if path is not None:
                used(path)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            kept._found[what] = None
    return kept._found[what]


def _place(what: str, told: Mapping[str, Any]) -> Path | None:
    """Where a record says that a file lies. It may be a stranger's: no file is touched but one that a cache has for
    this digest.
    """
    from pytest_mlmodelscope.store.results import RESULTS, at_home

    file, digest = told.get("file"), told.get("sha256")
    if not isinstance(file, str) or not isinstance(digest, str):
        return None
    path = at_home(file)
    return path if path.parts[-3:] == (what, digest[:2], digest + RESULTS[what]) else None

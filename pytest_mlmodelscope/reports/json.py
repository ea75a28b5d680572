"""Reports for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pytest_mlmodelscope.core.result import WORDS
from pytest_mlmodelscope.record.case import json_ready
from pytest_mlmodelscope.record.diff import FAILURES, Difference
from pytest_mlmodelscope.record.matrix import Matrix
from pytest_mlmodelscope.table.cells import VERDICTS, Cell, Judged


def session(cases: Sequence[Mapping[str, Any]], width: int = 80, colour: bool = False) -> str:
    """``counts`` of the five verdicts, and the ``cases`` less their single latencies."""
    counts = Counter(case["verdict"] for case in cases)
    kept = [{key: value for key, value in case.items() if key != "latencies_s"} for case in cases]
    return _text({"counts": {word: counts[word] for word in WORDS}, "cases": kept})


def difference(difference: Difference, width: int = 80, colour: bool = False) -> str:
    """Every field of ``record.diff.Difference``, and under ``worse`` what a gate may fail on."""
    worse = {kind: list(difference.worse([kind])) for kind in FAILURES}
    return _text({**asdict(difference), "worse": worse})


def matrices(matrices: Sequence[Matrix], width: int = 80, colour: bool = False) -> str:
    """Every field of ``record.matrix.Matrix``."""
    return _text({"matrices": [asdict(matrix) for matrix in matrices]})


def table(judged: Judged, width: int = 80, colour: bool = False) -> str:
    """``findings`` with their cells, and ``figures`` with a verdict each; shares are fractions of 1."""
    cells = judged.table.cells
    counts = Counter(judged.verdicts)
    return _text(
        {
            "table": judged.table.path,
            "rules": asdict(judged.rules),
            "notes": list(judged.notes),
            "counts": {word: counts[word] for word in VERDICTS},
            "findings": [
                {**asdict(one), "cells": [_cell(cells[place]) for place in one.cells]} for one in judged.findings
            ],
            "figures": [
                {**_cell(cell), "n": cell.n, "verdict": verdict, "reason": reason}
                for cell, verdict, reason in zip(cells, judged.verdicts, judged.reasons, strict=True)
            ],
        }
    )


def _cell(cell: Cell) -> dict[str, Any]:
    names = ("line", "model", "framework", "machine", "dataset", "precision", "batch", "value", "text")
    return {**{name: getattr(cell, name) for name in names}, "metric": cell.metric.name}


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(json_ready(data), indent=2, ensure_ascii=False)

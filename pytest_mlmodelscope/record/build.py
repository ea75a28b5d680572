"""The benchmark JSON: pytest-benchmark's, and everything else under the key ``mlms``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.record.case import json_ready
from pytest_mlmodelscope.record.files import read_json, write_json
from pytest_mlmodelscope.record.findings import findings
from pytest_mlmodelscope.record.machine import commit_info, machine_info_of
from pytest_mlmodelscope.record.matrix import matrices
from pytest_mlmodelscope.verdict.together import holm, together

SCHEMA_VERSION: Final = 1
#: Of a case, what its entry in ``benchmarks`` repeats as ``extra_info``.
_EXTRA: Final = (
    "claim",
    "model",
    "framework",
    "target",
    "metric",
    "unit",
    "published",
    "measured",
    "verdict",
    "conditions",
    "latencies_thinned_from",
)


def build(
    cases: Sequence[Mapping[str, Any]],
    machine: Mapping[str, Any],
    software: Mapping[str, Any],
    commit: Mapping[str, Any] | None,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """One record of a session.

    ``cases`` are ``case_record``'s, ``commit`` is pytest-benchmark's ``commit_info`` (asked of
    the working directory when None). Only cases with latencies stand in ``benchmarks``: one
    entry without statistics would make pytest-benchmark drop the whole file.
    """
    from pytest_benchmark import __version__

    whole = together(cases, settings.get("error", 0.05))
    return {
        "machine_info": machine_info_of(machine),
        "commit_info": commit_info() if commit is None else json_ready(commit),
        "benchmarks": [_benchmark(case) for case in cases if case["latencies_s"]],
        "datetime": datetime.now(UTC).isoformat(),
        "version": __version__,
        "mlms": {
            "schema_version": SCHEMA_VERSION,
            "machine": json_ready(machine),
            "software": json_ready(software),
            "settings": json_ready(settings),
            "cases": _adjusted(cases),
            "matrices": json_ready([asdict(matrix) for matrix in matrices(cases)]),
            "findings": findings(cases),
            "together": None if whole is None else asdict(whole),
        },
    }


def _adjusted(cases: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The cases, each p also as it is among all of them."""
    left = [case for case in cases if case.get("p") is not None]
    among = dict(zip((case["id"] for case in left), holm([case["p"] for case in left]), strict=True))
    return [{**case, "p_adjusted": among.get(case["id"])} for case in cases]


def write(record: Mapping[str, Any], path: Path) -> None:
    """Write a record whole or not at all.

    Raises:
        DocumentError: it breaks its own schema, or the file cannot be written.
    """
    write_json(record, path, "record")


def read(path: Path) -> dict[str, Any]:
    """A record that ``write`` wrote.

    Raises:
        DocumentError: the file is missing, broken, of another version or of another tool.
    """
    return read_json(path, "record", _refuse_foreign).data  # type: ignore[no-any-return]


def _refuse_foreign(data: Any, where: str) -> None:
    if not isinstance(data, dict) or "mlms" not in data:
        is_benchmark = isinstance(data, dict) and "benchmarks" in data and "machine_info" in data
        raise DocumentError(
            "is a file of pytest-benchmark without claims" if is_benchmark else "is not a record of claims",
            where=where,
            expected='a JSON file with the key "mlms"',
            hint="write one with `pytest --mlms --mlms-json FILE`",
        )
    version = data["mlms"].get("schema_version") if isinstance(data["mlms"], dict) else None
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise DocumentError(
            "is a record of another version",
            where=where,
            expected=f"mlms.schema_version {SCHEMA_VERSION}",
            got=repr(version)[:80],
            hint="read it with the version of mlms that wrote it, or write it anew",
        )


def _benchmark(case: Mapping[str, Any]) -> dict[str, Any]:
    """One entry of ``benchmarks``, as pytest-benchmark 5 writes it; a round is a query."""
    return {
        "group": case["claim"],
        "name": case["id"],
        "fullname": case["id"],
        "params": None,
        "param": None,
        "extra_info": {key: case[key] for key in _EXTRA},
        "options": {
            "disable_gc": False,
            "timer": "perf_counter_ns",
            "min_rounds": 1,
            "max_time": case["conditions"]["seconds"],
            "min_time": case["conditions"]["seconds"],
            "precision": None,
            "confidence": None,
            "warmup": True,
        },
        "stats": _stats(case["latencies_s"]),
    }


def _stats(latencies_s: Sequence[float]) -> dict[str, Any]:
    from pytest_benchmark.stats import Stats

    stats = Stats()  # type: ignore[no-untyped-call]
    stats.data = list(latencies_s)
    found: dict[str, Any] = json_ready(stats.as_dict())  # type: ignore[no-untyped-call]
    return {**found, "data": stats.data, "iterations": 1}

"""Baselines on disk: ``baselines/<machine class>/<case id>.json``, one file a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_mlmodelscope.core.baseline import Baseline
from pytest_mlmodelscope.core.document import Document
from pytest_mlmodelscope.core.errors import DocumentError, UsageError
from pytest_mlmodelscope.core.result import Interval
from pytest_mlmodelscope.record.case import json_ready
from pytest_mlmodelscope.record.files import read_json, write_json

SCHEMA = "baseline/1"


@dataclass(frozen=True, slots=True)
class Baselines:
    """The folder of baselines; each machine class has its own below it."""

    root: Path

    def get(self, machine_class: str, case_id: str) -> Baseline | None:
        """What this machine class measured before; None when it never did.

        Raises:
            DocumentError: the file is broken, or is another case's or another machine's; with
                file and line.
        """
        path = self.path(machine_class, case_id)
        if not path.exists():
            return None
        document = read_json(path, "baseline")
        _refuse_moved(document, {"machine_class": machine_class, "case_id": case_id})
        return _baseline(document.data, document.at())

    def put(self, machine_class: str, baseline: Baseline) -> Path:
        """Record a baseline in place of the one that was there; returns its file.

        Raises:
            DocumentError: it cannot be written.
        """
        path = self.path(machine_class, baseline.case_id)
        fields = {key: value for key, value in asdict(baseline).items() if key != "where"}
        write_json({"schema": SCHEMA, "machine_class": machine_class, **json_ready(fields)}, path, "baseline")
        return path

    def path(self, machine_class: str, case_id: str) -> Path:
        """Where the baseline of a case lies, whether there is one or not.

        Raises:
            UsageError: one of the names cannot be a file's.
        """
        for name in (machine_class, case_id):
            if not name or name.startswith(".") or "/" in name or "\0" in name:
                raise UsageError(f'"{name}" cannot be the name of a file', expected="no slash, and no dot in front")
        return self.root / machine_class / f"{case_id}.json"


def baseline_of(record: Mapping[str, Any], noise: float, commit: str | None = None) -> Baseline:
    """The baseline that a case's record makes, as of now.

    Raises:
        UsageError: the case has no figure.
    """
    if record["measured"] is None:
        raise UsageError("a case without a figure makes no baseline", where=record["id"], got=record["verdict"])
    interval = record["interval"]
    return Baseline(
        case_id=record["id"],
        claim=record["claim"],
        metric=record["metric"],
        unit=record["unit"],
        direction=record["direction"],
        value=record["measured"],
        noise=noise,
        n=record["n"],
        runs=tuple(record["runs"]),
        conditions=record["conditions"],
        model_digest=record["model_digest"],
        data_digest=record["data_digest"],
        recorded=datetime.now(UTC).isoformat(timespec="seconds"),
        # How the framework was built is pages long, and the record has it.
        software={key: value for key, value in record["software"].items() if key != "build"},
        predictions=record["predictions"].get("sha256"),
        interval=_interval(interval),
        commit=commit,
    )


def _refuse_moved(document: Document, expected: Mapping[str, str]) -> None:
    for key, wanted in expected.items():
        if document.data[key] != wanted:
            raise DocumentError(
                f"lies where the baseline of another {key.replace('_', ' ')} belongs",
                where=document.at((key,)),
                expected=wanted,
                got=document.data[key],
                hint="record it anew with --mlms-record",
            )


def _baseline(data: Mapping[str, Any], where: str) -> Baseline:
    fields = {key: value for key, value in data.items() if key not in {"schema", "machine_class"}}
    fields["runs"] = tuple(data["runs"])
    fields["interval"] = _interval(data["interval"])
    return Baseline(**fields, where=where)


def _interval(data: Mapping[str, Any] | None) -> Interval | None:
    """An end that is null has no bound."""
    if data is None:
        return None
    low = float("-inf") if data["low"] is None else data["low"]
    high = float("inf") if data["high"] is None else data["high"]
    return Interval(low, high, data["confidence"], data["method"])

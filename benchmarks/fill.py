"""Fills a database with plausible results: ``python benchmarks/fill.py DATABASE [RESULTS]``.

Prints how long it took, and how large a file became. Other benchmarks and tests of load take ``records`` and ``fill``
from here: the same seed gives the same records.

Each record is a run of 100 cases of bundled claims on one of several machines, one every six hours: figures around the
published ones, a few refuted, some that do not apply. All of it is made up; only its shape is that of real records.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.runs import add

#: Cases of a record, and kinds of machine.
CASES = 100
MACHINES = tuple(f"cpu-made-up-{number}" for number in range(8))
MODELS = tuple(f"model-{number}" for number in range(25))
FRAMEWORKS = {"onnxruntime": "1.23.2", "pytorch": "2.9.1", "tensorflow": "2.20.0", "openvino": "2025.3.0"}
START = datetime(2020, 1, 1, tzinfo=UTC)
#: Records in one transaction.
_AT_ONCE = 20


def records(count: int, seed: int = 0, cases: int = CASES) -> Iterator[dict[str, Any]]:
    """So many records of so many cases each, which fulfil the schema of records."""
    chance = random.Random(seed)
    for number in range(count):
        machine = {"machine_class": MACHINES[number % len(MACHINES)], "device": "cpu", "name": "made up", "gpus": []}
        at = START + timedelta(hours=6 * number, microseconds=seed)
        yield {
            "machine_info": {"node": "made-up"},
            "commit_info": {"id": f"{chance.getrandbits(160):040x}"},
            "benchmarks": [],
            "datetime": at.isoformat(),
            "version": "5.2.3",
            "mlms": {
                "schema_version": 1,
                "machine": machine,
                "software": {"python": "3.13.1"},
                "settings": {"evidence": "full", "error": 0.05, "offline": True},
                "cases": list(itertools.islice(_cases(chance), cases)),
                "matrices": [],
                "findings": [],
                "together": None,
            },
        }


def fill(database: Database, results: int, seed: int = 0) -> int:
    """Put in as many records as have so many results; how many they are."""
    made = records(-(-results // CASES), seed)
    count = 0
    while chunk := list(itertools.islice(made, _AT_ONCE)):
        with database.writing() as session:
            for record in chunk:
                add(session, record)
        count += len(chunk)
    return count


def _cases(chance: random.Random) -> Iterator[dict[str, Any]]:
    for number in itertools.count():
        kinds = len(MODELS) * len(FRAMEWORKS)
        model = MODELS[number % len(MODELS)]
        framework = list(FRAMEWORKS)[number // len(MODELS) % len(FRAMEWORKS)]
        timed = (number // kinds) % 2 == 1 or number % 3 == 0
        yield _case(f"{model}-claim-{number // kinds}", model, framework, timed, chance)


def _case(claim: str, model: str, framework: str, timed: bool, chance: random.Random) -> dict[str, Any]:
    published = 10.0 if timed else 75.0
    measured = published * chance.gauss(1.0, 0.03 if timed else 0.002)
    verdict = chance.choices(
        ("confirmed", "refuted", "inconclusive", "not_applicable", "error"), (80, 8, 6, 5, 1), k=1
    )[0]
    ran = verdict not in {"not_applicable", "error"}
    latencies = [abs(chance.gauss(measured, 0.3)) / 1000 for _ in range(32)] if timed and ran else None
    return {
        **_named(claim, model, framework),
        **_judged(timed, published, measured if ran else None),
        "latencies_s": latencies,
        "latencies_thinned_from": None,
        "verdict": verdict,
        "reason": f"made up: {verdict}",
        "seconds": round(chance.uniform(0.1, 20.0), 3),
    }


def _named(claim: str, model: str, framework: str) -> dict[str, Any]:
    source = {"title": "A made-up report", "where": "Table 1", "figure": "75.0 %", "read": "2020-01-01"}
    return {
        "id": f"{claim}-{framework}-cpu",
        "claim": claim,
        "model": model,
        "dataset": "made-up/test",
        "framework": framework,
        "requirement": "",
        "target": "cpu",
        "software": {"version": FRAMEWORKS[framework]},
        "source": source,
        "known": None,
        "conditions": {},
        "model_digest": "0" * 64,
        "assets": {},
        "data_digest": None,
        "claim_file": "claims/made-up.yml:1",
        "steps": {},
        "predictions": {},
        "outputs": {},
        "baseline": {"status": "none", "reason": "no baseline of this target", "value": None, "noise": None},
        "made_of": [],
        **dict.fromkeys(("machine", "check", "turn", "watched", "plan", "timing", "cause", "evidence")),
    }


def _judged(timed: bool, published: float, measured: float | None) -> dict[str, Any]:
    interval: Mapping[str, Any] | None = None
    if measured is not None:
        interval = {"low": measured * 0.99, "high": measured * 1.01, "confidence": 0.95, "method": "made up"}
    return {
        "metric": "latency" if timed else "accuracy",
        "unit": "ms" if timed else "%",
        "published": published,
        "tolerance": {"amount": 0.05, "kind": "relative", "derived": False, "margin": published * 0.05},
        "direction": "lower" if timed else "higher",
        "kind": None if measured is None else "timed" if timed else "items",
        "measured": measured,
        "n": 0 if measured is None else 10_000,
        "failed": 0,
        "census": False,
        "interval": interval,
        "runs": [],
        "p": None,
        "p_adjusted": None,
    }


def main(address: str, results: int = 100_000) -> None:
    """Fill it, and say how long that took."""
    with Database(address) as database:
        begun = time.perf_counter()
        count = fill(database, results)
        seconds = time.perf_counter() - begun
    print(f"{count:,} records, {results:,} results in {seconds:.1f} s: {results / seconds:,.0f} results a second")
    if Path(address).is_file():
        print(f"{Path(address).stat().st_size / 2**20:.0f} MiB")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))

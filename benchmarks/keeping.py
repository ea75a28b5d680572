"""What it costs a session to keep its record: ``python benchmarks/keeping.py [CASES]``.

Prints, for a record of so many made-up cases (default: 100), the seconds of the first time in a process, which imports
the database's library and makes the tables, and the median of ten later ones; how many of those are the canonical
JSON; and the same for cases that each have 1,000 latencies.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fill import records

from pytest_mlmodelscope.record.local import keep


def main(cases: int = 100) -> None:
    """Keep records with few latencies, then records with many."""
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "results.sqlite"
        made = list(records(22, cases=cases))
        print(f"{cases} cases, the first time: {_seconds(lambda: _kept(made[0], where)):.3f} s")
        _report(f"{cases} cases", made[1:11], where)
        for record in made[11:]:
            for case in record["mlms"]["cases"]:
                case["latencies_s"] = [0.01 + number / 1e6 for number in range(1000)]
        _report(f"{cases} cases of 1,000 latencies", made[11:21], where)


def _report(what: str, made: list[dict[str, Any]], where: Path) -> None:
    from pytest_mlmodelscope.store.canonical import canonical

    whole = statistics.median(_seconds(lambda record=record: _kept(record, where)) for record in made)
    json = statistics.median(_seconds(lambda record=record: canonical(record)) for record in made)
    print(f"{what}: {whole:.3f} s, of which canonical JSON {json:.3f} s")


def _kept(record: Mapping[str, Any], where: Path) -> None:
    landed = keep(record, where)
    assert landed is not None
    assert landed.digest, landed.why


def _seconds(what: Callable[[], object]) -> float:
    begun = time.perf_counter()
    what()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

"""What a hub under test knows: runs of some bundled claims on two machines, at three moments.

Claims, models and frameworks are the real ones, cases and records are built by what builds them in a run; only
the figures are made up, by a generator that always makes the same.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Final

from pytest_mlmodelscope.claim.expand import expand, kind_of, selection
from pytest_mlmodelscope.core.result import Case, Interval, Measurement, Result, Verdict
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.record.build import build
from pytest_mlmodelscope.record.case import case_record
from pytest_mlmodelscope.store import runs
from pytest_mlmodelscope.store.database import Database

CLAIMS: Final = (
    *("fashion-cnn-accuracy", "fashion-cnn-latency", "fashion-cnn-parameters", "fashion-cnn-finite"),
    *("squeezenet-top1", "squeezenet-top5", "eld-m-big-test", "vader-tweets-r", "silero-vad-latency"),
)
#: By machine class: the facts of the machine, and how many times as long as on the first one a query takes there.
MACHINES: Final = {
    "x86_64-cpu-amd-epyc": ({"arch": "x86_64", "name": "AMD EPYC 7763", "cores": 64, "threads": 128}, 1.0),
    "aarch64-cpu-neoverse-n1": ({"arch": "aarch64", "name": "Neoverse-N1", "cores": 4, "threads": 4}, 2.5),
}
#: When the runs were made: the last one on the day that tests run, so that nothing looks stale.
AGES: Final = (timedelta(days=60), timedelta(days=20), timedelta(0))


def keep(database: Database, shelf: Shelf) -> list[str]:
    """Put the runs into a database; their digests, the oldest first."""
    digests = []
    for age in AGES:
        for machine_class in MACHINES:
            record = record_of(shelf, machine_class, age)
            with database.writing() as session:
                digests.append(runs.add(session, record).digest)
    return digests


def record_of(shelf: Shelf, machine_class: str, age: timedelta = timedelta(0)) -> dict:
    """The record of one run on a machine, so long ago."""
    facts, slower = MACHINES[machine_class]
    machine = {**facts, "machine_class": machine_class, "device": "cpu", "memory": 2**34, "kernel": "6.1"}
    chance = random.Random(f"{machine_class} {age}")
    cases = [case_record(_result(case, machine, slower, chance)) for case in _cases(shelf)]
    record = build(cases, machine, {"numpy": "2.3.0"}, {"id": "a" * 40}, {"offline": False, "error": 0.05})
    return {**record, "datetime": (datetime.now(UTC) - age).isoformat()}


def _cases(shelf: Shelf) -> list[Case]:
    here = selection(targets=["cpu"])
    return [case for name in CLAIMS for case in expand(shelf.claim(name), shelf.catalogue, here)]


def _result(case: Case, machine: dict, slower: float, chance: random.Random) -> Result:
    if case.framework.name == "cntk" and machine["arch"] != "x86_64":
        return Result(case, Verdict("not_applicable", "cntk has no build for aarch64"), machine=_told(machine))
    measurement, timings_ns = _measured(case, slower, chance)
    return Result(
        case,
        _verdict(case, measurement),
        measurement,
        timings_ns=timings_ns,
        software={"framework": case.framework.name, "version": f"{chance.randint(1, 3)}.{chance.randint(0, 9)}.0"},
        machine=_told(machine),
        data_digest="d" * 64,
        seconds=chance.uniform(1, 90),
    )


def _told(machine: dict) -> dict:
    keys = ("machine_class", "device", "arch", "name", "memory")
    return {**{key: machine[key] for key in keys}, "nature": "hardware", "unit": ""}


def _measured(case: Case, slower: float, chance: random.Random) -> tuple[Measurement, tuple[int, ...]]:
    claim, kind = case.claim, kind_of(case.claim)
    if kind == "timed":
        value = claim.value * slower * chance.uniform(0.8, 1.1)
        runs_of = tuple(value * chance.uniform(0.97, 1.03) for _ in range(5))
        interval = Interval(min(runs_of), max(runs_of), 0.95, "t over 5 process runs")
        # The unit does not matter for the shape: as if it were milliseconds.
        timings = tuple(int(value * 1e6 * chance.lognormvariate(0, 0.1)) for _ in range(200))
        return Measurement(value, claim.unit, 1000, interval, runs=runs_of, kind="timed"), timings
    if kind == "items":
        value = claim.value * chance.uniform(0.985, 1.005)
        interval = Interval(value * 0.98, value * 1.02, 0.95, "Wilson")
        return Measurement(value, claim.unit, 1000, interval, p=chance.uniform(0.001, 0.9)), ()
    exact = Interval(claim.value, claim.value, 1.0, "exact")
    return Measurement(claim.value, claim.unit, 1, exact, census=True, kind=str(kind)), ()


def _verdict(case: Case, measurement: Measurement) -> Verdict:
    claim = case.claim
    better = claim.value - measurement.value if claim.direction == "lower" else measurement.value - claim.value
    told = f"{measurement.value:.4g} {claim.unit} measured, {claim.value:.4g} published"
    if abs(better) <= claim.tolerance.margin(claim.value) or better > 0:
        return Verdict("confirmed", f"{told}: as good as published")
    if measurement.interval.high > claim.value > measurement.interval.low:
        return Verdict("inconclusive", f"{told}: too few items to say")
    return Verdict("refuted", f"{told}: worse than published")

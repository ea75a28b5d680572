"""``mlms run``: a model under a scenario, without a claim."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import click

from pytest_mlmodelscope.agent.care import DISTURBED, USUAL, Disturbed
from pytest_mlmodelscope.claim.pattern import seconds
from pytest_mlmodelscope.cli import completing
from pytest_mlmodelscope.cli.console import examples, json_option, print_json, table
from pytest_mlmodelscope.cli.progress import progress
from pytest_mlmodelscope.core.claim import Conditions, DataUse
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.engine.bench import ENGINES, Bench, Settings
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.metrics.server_rate import SCENARIO

_HEAD: Final = ("batch", "threads", "queries", "50 %", "90 %", "99 %", "samples/s", "queries/s")
UNITS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


#: An interval that is wider says nothing.
_VAST: Final = 10.0


class _Numbers(click.ParamType[list[int]]):
    """Whole numbers with commas between."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            found = [int(part) for part in value.split(",")]
        except ValueError:
            self.fail(f'"{value}" are not whole numbers with commas between, such as 1,2,4', param, ctx)
        if min(found) < 1:
            self.fail(f"{min(found)} is not 1 or more", param, ctx)
        return found


@click.command(
    epilog=examples("mlms run squeezenet-1.1", "mlms run fashion-cnn --framework openvino --batch 1,8 --threads 1,2")
)
@click.argument("model", shell_complete=completing.models)
@click.option(
    "--framework",
    shell_complete=completing.frameworks,
    help="One of the model's, with a version where it matters (default: its first).",
)
@click.option("--scenario", type=click.Choice(names("scenarios")), default="single_stream", show_default=True)
@click.option("--batch", type=_Numbers(), metavar="N,N...", help="Items that go to the model at once.")
@click.option(
    "--threads", type=_Numbers(), metavar="N,N...", help="Intra-op threads (default: the framework's choice)."
)
@click.option("--data", metavar="DATASET[/SPLIT]", help="What it is asked about (default: as its first claim).")
@click.option(
    "--target",
    default="cpu",
    show_default=True,
    shell_complete=completing.targets,
    help="The kind of machine, as `mlms targets` lists them.",
)
@click.option("--runs", type=click.IntRange(1, 100), default=3, show_default=True, help="Fresh worker processes.")
@click.option(
    "--seconds", "least", type=click.FloatRange(0), default=1.0, show_default=True, help="Of each run, at least."
)
@click.option("--queries", type=click.IntRange(1), help="Of each run, at least (default: 1,000).")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Queries that arrive in a second (server).")
@click.option("--latency-bound", metavar="TIME", help="Instead of a rate: find the highest that keeps to it, as 15ms.")
@click.option("--samples-per-query", type=click.IntRange(1), help="Items in a query (multi_stream).")
@click.option("--engine", type=click.Choice(sorted(ENGINES)), help="Who issues the queries (default: this program).")
@click.option("--mlperf-log", type=click.Path(path_type=Path, file_okay=False), help="Where to write MLPerf's files.")
@click.option(
    "--disturbed",
    type=click.Choice(DISTURBED),
    default=USUAL.disturbed,
    show_default=True,
    help="What becomes of a run that other work on the machine disturbed.",
)
@click.option("--manifests", multiple=True, type=click.Path(path_type=Path), help="More folders of manifests.")
@click.option("--offline", is_flag=True, help="Without the network.")
@json_option
def run(
    model: str,
    framework: str | None,
    batch: Sequence[int] | None,
    threads: Sequence[int] | None,
    data: str | None,
    target: str,
    mlperf_log: Path | None,
    manifests: Sequence[Path],
    as_json: bool,
    engine: str | None,
    offline: bool,
    disturbed: Disturbed,
    **pattern: Any,
) -> None:
    """Put MODEL under a load, for every batch with every number of threads, and say how fast it is.

    The figures rest on fresh worker processes, which take turns where there are several batches or threads. A
    percentile has the mark ~ where a run has too few queries to show it, by MLPerf's rule.
    """
    from pytest_mlmodelscope.claim.expand import selection
    from pytest_mlmodelscope.engine.sweep import case_of, row, sweep, write_logs

    chosen = selection([framework] if framework else [], [target])
    shelf = Shelf(manifests)
    data_use = _data_of(shelf, model, data)
    conditions = dataclasses.replace(conditions_of(**pattern), precision=shelf.precision_of(model))
    case = case_of(shelf.catalogue, model, data_use, conditions, chosen)
    care = dataclasses.replace(USUAL, disturbed=disturbed)
    with (
        progress(as_json) as say,
        closing(Bench(Settings(offline=offline, engine=engine, care=care, progress=say))) as bench,
    ):
        points = sweep(bench, case, batch or [None], threads or [None])
        if mlperf_log is not None:
            write_logs(bench, points, mlperf_log)
    _show([row(point) for point in points], as_json)


def conditions_of(
    scenario: str,
    runs: int,
    least: float,
    queries: int | None,
    rate: float | None,
    latency_bound: str | None,
    samples_per_query: int | None,
) -> Conditions:
    """What was asked for, as the conditions of a claim.

    Raises:
        UsageError: it does not go together.
    """
    of_query = getattr(member("scenarios", scenario), "SAMPLES_PER_QUERY", None)
    if samples_per_query is not None and of_query is None:
        raise UsageError(f"--samples-per-query says nothing under {scenario}", hint="--scenario multi_stream")
    if (rate is not None or latency_bound is not None) and scenario != SCENARIO:
        raise UsageError(f"queries do not arrive by themselves under {scenario}", hint=f"--scenario {SCENARIO}")
    if scenario == SCENARIO and (rate is None) == (latency_bound is None):
        raise UsageError(
            f"{SCENARIO} takes either --rate or --latency-bound", hint="--rate 100, or --latency-bound 15ms"
        )
    return Conditions(
        scenario=scenario,
        percentile=99.0,
        runs=runs,
        seconds=least,
        queries=queries,
        rate=rate,
        latency_bound=None if latency_bound is None else _seconds(latency_bound),
        samples_per_query=samples_per_query or of_query,
    )


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?\s*(s|ms|us|ns)", text):
        raise UsageError(f'"{text}" is not a time', expected="a number and a unit: s, ms, us or ns", hint="15ms")
    return seconds(text)


def _data_of(shelf: Shelf, model: str, given: str | None) -> DataUse:
    """The dataset that was named, or that of the first claim about the model which has one."""
    if given is not None:
        name, _, split = given.partition("/")
        return DataUse(name, split or "test")
    found = shelf.data_of(shelf.model(model).name)
    if found is None:
        raise UsageError(
            f"no claim says on what data {model} is to run", hint="--data DATASET, as `mlms datasets` lists them"
        )
    return found


# -- the table ------------------------------------------------------------------------------------------


def _show(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    first = rows[0]
    about = " ".join(str(value) for value in first["software"].values() if value is not None)
    click.echo(f"{about}, {first['scenario']}, {first['runs']} process runs, 95 % intervals")
    table(_HEAD, [_cells(row) for row in rows])


def _cells(row: dict[str, Any]) -> list[str]:
    threads = row["threads"] or row["threads_used"] or ""
    latencies = [_time(figure) for figure in row["latency_s"].values()]
    rate = "" if row["rate"] is None else _spread(row["rate"], 1.0, "")
    return [
        str(row["batch"]),
        str(threads),
        f"{row['queries']:,}",
        *latencies,
        _spread(row["throughput"], 1.0, ""),
        rate,
    ]


def _time(figure: dict[str, Any]) -> str:
    scale, unit = next((one for one in UNITS if figure["value"] >= one[0]), UNITS[-1])
    return ("~" if figure["early_stopping"] is None else "") + _spread(figure, scale, f" {unit}")


def _spread(figure: dict[str, Any], scale: float, unit: str) -> str:
    """A figure with half the width of its interval, which is one of a ratio."""
    text = f"{figure['value'] / scale:,.4g}{unit}"
    if not figure["low"]:
        return text
    wide = math.sqrt(figure["high"] / figure["low"]) - 1
    return f"{text} ±{wide:.0%}" if wide < _VAST else f"{text} ±?"

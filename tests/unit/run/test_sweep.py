"""A scenario without a claim, over batches and threads; by our engine and by LoadGen."""

from __future__ import annotations

import dataclasses
import json
from importlib.util import find_spec

import numpy as np
import pytest

from pytest_mlmodelscope.claim.expand import selection
from pytest_mlmodelscope.core.bundled import bundled_root
from pytest_mlmodelscope.core.claim import Conditions, DataUse
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.engine.bench import Bench
from pytest_mlmodelscope.engine.sweep import case_of, row, sweep, write_logs
from pytest_mlmodelscope.manifest.load import Catalogue

needs_loadgen = pytest.mark.skipif(find_spec("mlperf_loadgen") is None, reason="mlcommons-loadgen is not for here")
QUICK = {"runs": 2, "seconds": 0.05, "percentile": 99.0, "queries": 100}


@pytest.fixture
def bench_of(settings):
    """Makes benches: ``bench_of(engine="loadgen")``; they are closed afterwards."""
    made = []

    def make(**changes):
        made.append(Bench(dataclasses.replace(settings, **changes)))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


def fashion(**conditions):
    """The project's own network, on ONNX Runtime."""
    catalogue = Catalogue([bundled_root() / "manifests"])
    asked = Conditions(**{**QUICK, **conditions})
    return case_of(catalogue, "fashion-cnn", DataUse("fashion-mnist"), asked, selection(["onnxruntime"]))


#: The project's own model and data, which the user's cache has, or gets.
SHARED = {"cache": None, "offline": False}


def test_every_batch_runs_with_every_number_of_threads_and_they_take_turns(bench_of, words, timed_case):
    told = []
    bench = bench_of(progress=told.append)
    points = sweep(bench, timed_case(runs=2, queries=20), [1, 4], [1, 2])
    assert [(p.conditions.batch, p.conditions.threads) for p in points] == [(1, 1), (1, 2), (4, 1), (4, 2)]
    assert [len(point.runs) for point in points] == [2, 2, 2, 2]
    # Each is a process of its own, and whoever was first is last then.
    opened = words.processes
    assert len(opened) == len(set(opened)) >= 8


def test_a_row_has_figures_with_intervals(bench_of, timed_case):
    (point,) = sweep(bench_of(), timed_case(runs=2, queries=64), [2], [None])
    found = row(point)
    assert json.loads(json.dumps(found)) == found
    assert (found["batch"], found["runs"], found["queries"]) == (2, 2, 128)
    latency = found["latency_s"]
    assert latency["50"]["low"] <= latency["50"]["value"] <= latency["50"]["high"]
    assert latency["50"]["value"] <= latency["90"]["value"] <= latency["99"]["value"]
    # Of 64 queries one may be over the 90th percentile, and none over the 99th.
    assert latency["90"]["early_stopping"] >= latency["90"]["value"]
    assert latency["99"]["early_stopping"] is None
    assert found["throughput"]["value"] > 0
    assert found["rate"] is None


def test_a_single_run_has_no_interval(bench_of, timed_case):
    (point,) = sweep(bench_of(), timed_case(runs=1, queries=20), [None], [None])
    assert row(point)["latency_s"]["50"]["low"] is None


def test_a_model_that_is_nowhere_to_be_run_is_told():
    catalogue, chosen = Catalogue([bundled_root() / "manifests"]), selection(["caffe"])
    with pytest.raises(UsageError, match="does not run there"):
        case_of(catalogue, "digits-mlp", DataUse("digits"), Conditions(), chosen)


@needs_loadgen
@pytest.mark.parametrize("scenario", ["single_stream", "multi_stream", "server", "offline"])
def test_loadgen_and_our_engine_agree_on_a_real_model(bench_of, scenario):
    more = {"multi_stream": {"samples_per_query": 4}, "server": {"rate": 500.0}}.get(scenario, {})
    case = fashion(scenario=scenario, **more)
    (ours,), (theirs,) = (sweep(bench_of(**SHARED, engine=engine), case, [None], [1]) for engine in (None, "loadgen"))
    mine, other = row(ours), row(theirs)
    assert (mine["batch"], mine["software"]) == (other["batch"], other["software"])
    if scenario == "server":
        # Both drew as many arrivals as fit into the time and the least number, each by its own dice.
        assert other["queries"] == pytest.approx(mine["queries"], rel=0.3)
    assert min(mine["queries"], other["queries"]) >= 200
    # A wide band: what would be wrong is a unit, a batch that counts twice, a latency from another moment.
    ratio = mine["latency_s"]["50"]["value"] / other["latency_s"]["50"]["value"]
    assert 1 / 8 < ratio < 8
    assert {"mlperf_log_summary.txt", "mlperf_log_detail.txt"} <= theirs.runs[0].loaded.timings["logs"].keys()


@pytest.mark.parametrize("engine", [None, pytest.param("loadgen", marks=needs_loadgen)])
def test_mlperfs_files_are_written_for_its_checkers(bench_of, tmp_path, engine):
    bench = bench_of(**SHARED, engine=engine)
    points = sweep(bench, fashion(), [1], [1])
    write_logs(bench, points, tmp_path)
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("mlperf_log_detail.txt")}
    folders = {"performance/run_1", "performance/run_2", "accuracy"}
    assert made == {f"{folder}/mlperf_log_detail.txt" for folder in folders}
    text = (tmp_path / "performance" / "run_1" / "mlperf_log_detail.txt").read_text()
    events = [json.loads(line.removeprefix(":::MLLOG")) for line in text.splitlines()]
    told = {event["key"]: event["value"] for event in events}
    assert told["effective_scenario"] == "SingleStream"
    assert told["result_query_count"] >= 100
    # One answer for each prepared query, ten numbers in single precision.
    answers = json.loads((tmp_path / "accuracy" / "mlperf_log_accuracy.json").read_text())
    assert [answer["qsl_idx"] for answer in answers] == list(range(64))
    assert all(np.frombuffer(bytes.fromhex(answer["data"]), dtype="float32").shape == (10,) for answer in answers)


def test_several_points_have_folders_of_their_own(bench_of, timed_case, tmp_path):
    bench = bench_of()
    write_logs(bench, sweep(bench, timed_case(runs=1, queries=20), [1, 2], [1]), tmp_path / "logs")
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {"batch-1-threads-1", "batch-2-threads-1"}

"""The benchmark JSON: read back by ourselves, and by pytest-benchmark's own command."""

from __future__ import annotations

import copy
import csv
import json
import math
import statistics
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.core.schema import schema
from pytest_mlmodelscope.record.build import build, read, write
from pytest_mlmodelscope.record.case import case_record

BENCHMARK_KEYS = {"group", "name", "fullname", "params", "param", "extra_info", "options", "stats"}
STATS_KEYS = {
    "min", "max", "mean", "stddev", "rounds", "median", "iqr", "q1", "q3", "iqr_outliers", "stddev_outliers",
    "outliers", "ld15iqr", "hd15iqr", "ops", "total", "data", "iterations",
}  # fmt: skip
OPTION_KEYS = {"disable_gc", "timer", "min_rounds", "max_time", "min_time", "precision", "confidence", "warmup"}
COMMAND = Path(sys.executable).with_name("pytest-benchmark")


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    """What pytest-benchmark itself writes."""
    folder = tmp_path_factory.mktemp("native")
    (folder / "test_native.py").write_text("def test_native(benchmark):\n    benchmark(sum, [1, 2])\n")
    command = [sys.executable, "-m", "pytest", "-q", "--benchmark-max-time=0.01", "--benchmark-json=native.json"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return json.loads((folder / "native.json").read_text())


def compare(folder, *files):
    command = [COMMAND, "compare", *files, "--csv=table.csv"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_a_record_is_valid_json_schema_and_all(record):
    jsonschema.Draft202012Validator(schema("record")).validate(record)


@pytest.mark.parametrize("kind", ["record", "baseline"])
def test_the_published_schemas_are_schemas(kind):
    jsonschema.Draft202012Validator.check_schema(schema(kind))


@pytest.mark.parametrize("kind", ["record", "baseline"])
def test_every_key_that_is_ours_is_described(kind):
    where = schema(kind)["$defs"].get("case", schema(kind))
    bare = [key for key, about in where["properties"].items() if not {"description", "$ref"} & set(about)]
    assert bare == []


def test_a_record_has_every_key_that_pytest_benchmark_writes(record, native):
    assert record.keys() >= native.keys()
    assert record["machine_info"].keys() == native["machine_info"].keys()
    assert record["commit_info"].keys() == native["commit_info"].keys()
    (ours,), (theirs,) = record["benchmarks"], native["benchmarks"]
    assert ours.keys() == theirs.keys() == BENCHMARK_KEYS
    assert ours["stats"].keys() == theirs["stats"].keys() == STATS_KEYS
    assert ours["options"].keys() == theirs["options"].keys() == OPTION_KEYS
    assert record["version"] == native["version"]


def test_the_processor_is_told_in_the_same_words(record, native):
    assert record["machine_info"]["cpu"]["arch"] == native["machine_info"]["cpu"]["arch"]
    assert record["machine_info"]["node"] == native["machine_info"]["node"]


def test_only_timed_cases_stand_in_benchmarks(record):
    assert [case["id"] for case in record["mlms"]["cases"]] == ["eld-m-python-cpu", "vad-latency-onnxruntime-cpu"]
    assert [entry["fullname"] for entry in record["benchmarks"]] == ["vad-latency-onnxruntime-cpu"]


def test_statistics_are_of_the_latencies(record):
    stats = record["benchmarks"][0]["stats"]
    data = record["mlms"]["cases"][1]["latencies_s"]
    assert stats["data"] == data
    assert stats["rounds"] == len(data) == 100
    assert stats["median"] == statistics.median(data)
    assert stats["total"] == pytest.approx(sum(data))
    assert (stats["min"], stats["max"]) == (min(data), max(data))


def test_one_query_is_enough_for_statistics(timed_result):
    record = build([case_record(timed_result(timings_ns=[5_000]))], {}, {}, {"id": "x"}, {})
    stats = record["benchmarks"][0]["stats"]
    assert (stats["rounds"], stats["stddev"], stats["mean"]) == (1, 0, 5e-6)


def test_compare_shows_both_records(record, tmp_path):
    later = copy.deepcopy(record)
    stats = later["benchmarks"][0]["stats"]
    stats.update({key: stats[key] * 2 for key in ("min", "max", "mean", "median")})
    write(record, tmp_path / "before.json")
    write(later, tmp_path / "after.json")
    output = compare(tmp_path, "before.json", "after.json")
    rows = [line for line in output.splitlines() if line.startswith("vad-latency-onnxruntime-cpu")]
    assert len(rows) == 2
    assert {"(before)", "(after)"} == {row.split()[1] for row in rows}
    assert "Failed to load" not in output


def test_compare_reads_without_loss(record, tmp_path):
    write(record, tmp_path / "one.json")
    compare(tmp_path, "one.json")
    with (tmp_path / "table.csv").open() as file:
        (row,) = csv.DictReader(file)
    stats = record["benchmarks"][0]["stats"]
    for column in ("min", "max", "mean", "stddev", "median", "iqr", "ops"):
        assert float(row[column]) == pytest.approx(stats[column])
    assert row["outliers"] == stats["outliers"]


def test_compare_puts_ours_beside_its_own(record, native, tmp_path):
    write(record, tmp_path / "ours.json")
    (tmp_path / "native.json").write_text(json.dumps(native))
    output = compare(tmp_path, "ours.json", "native.json")
    assert "vad-latency-onnxruntime-cpu" in output
    assert "test_native" in output


def test_compare_takes_a_record_of_accuracy_alone(accuracy_result, tmp_path):
    write(build([case_record(accuracy_result())], {}, {}, None, {}), tmp_path / "accuracy.json")
    assert "Failed to load" not in compare(tmp_path, "accuracy.json")


def test_what_was_written_is_what_is_read(record, tmp_path):
    write(record, tmp_path / "out.json")
    assert read(tmp_path / "out.json") == record


def test_folders_are_made(record, tmp_path):
    write(record, tmp_path / "some" / "where" / "out.json")
    assert read(tmp_path / "some" / "where" / "out.json") == record


def test_a_record_that_breaks_its_schema_is_not_written(record, tmp_path):
    (tmp_path / "out.json").write_text("the one before")
    record["mlms"]["cases"][0]["verdict"] = "maybe"
    with pytest.raises(DocumentError, match=r"mlms\.cases\[0\]\.verdict"):
        write(record, tmp_path / "out.json")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["the one before"]


def test_not_a_number_is_not_written(record, tmp_path):
    record["mlms"]["cases"][0]["measured"] = math.nan
    with pytest.raises(ValueError, match="JSON compliant"):
        write(record, tmp_path / "out.json")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(record, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DocumentError, match="cannot be written"):
        write(record, tmp_path / "file" / "out.json")


def test_a_folder_in_the_way_is_told_and_nothing_stays_behind(record, tmp_path):
    (tmp_path / "out.json").mkdir()
    with pytest.raises(DocumentError, match="cannot be written"):
        write(record, tmp_path / "out.json")
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_settings_may_hold_paths_and_infinities():
    record = build([], {"memory": math.inf}, {}, {"id": None}, {"cache": Path("cache")})
    assert record["mlms"]["machine"] == {"memory": None}
    assert record["mlms"]["settings"] == {"cache": "cache"}


def test_a_commit_that_is_given_is_kept():
    assert build([], {}, {}, {"id": "abc", "dirty": True}, {})["commit_info"] == {"id": "abc", "dirty": True}

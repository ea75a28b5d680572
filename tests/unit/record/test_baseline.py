"""Baselines on disk."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest

from pytest_mlmodelscope.core.errors import DocumentError, UsageError
from pytest_mlmodelscope.core.result import Interval, Verdict
from pytest_mlmodelscope.record.baseline import Baselines, baseline_of
from pytest_mlmodelscope.record.case import case_record

MACHINE = "x86_64-cpu-amd-epyc"


@pytest.fixture
def baselines(tmp_path):
    return Baselines(tmp_path / "baselines")


@pytest.fixture
def timed(timed_result):
    return baseline_of(case_record(timed_result()), noise=0.01, commit="abc")


@pytest.fixture
def stored(baselines, timed):
    return baselines.put(MACHINE, timed)


def test_what_was_recorded_comes_back(baselines, timed, stored):
    found = baselines.get(MACHINE, timed.case_id)
    assert dataclasses.replace(found, where="") == timed
    assert found.where.startswith(str(stored))


def test_figures_over_items_come_back_too(baselines, accuracy_result):
    baseline = baseline_of(case_record(accuracy_result()), noise=0.0017)
    baselines.put(MACHINE, baseline)
    found = baselines.get(MACHINE, "eld-m-python-cpu")
    assert (found.value, found.noise, found.n, found.unit) == (99.407, 0.0017, 60_000, "%")
    assert found.predictions == "p" * 64


def test_one_file_a_case_in_the_folder_of_the_machine_class(baselines, stored):
    assert stored == baselines.root / MACHINE / "vad-latency-onnxruntime-cpu.json"
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]


def test_another_machine_has_none(baselines, timed, stored):
    assert baselines.get("aarch64-cpu-other", timed.case_id) is None


def test_a_case_never_recorded_has_none(baselines):
    assert baselines.get(MACHINE, "never") is None


def test_recording_again_replaces(baselines, timed, stored):
    baselines.put(MACHINE, dataclasses.replace(timed, value=0.2))
    assert baselines.get(MACHINE, timed.case_id).value == 0.2


def test_an_interval_without_end_survives(baselines, timed):
    open_ended = dataclasses.replace(timed, interval=Interval(0.0, math.inf, 0.95, "one process run"))
    baselines.put(MACHINE, open_ended)
    assert baselines.get(MACHINE, timed.case_id).interval == open_ended.interval


def test_a_requirement_in_the_id_is_a_fine_file_name(baselines, timed):
    strict = dataclasses.replace(timed, case_id="vad-latency-pytorch>=2,<3-cpu")
    baselines.put(MACHINE, strict)
    assert baselines.get(MACHINE, strict.case_id).case_id == strict.case_id


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", ""])
def test_names_that_would_leave_the_folder_are_refused(baselines, name):
    with pytest.raises(UsageError, match="cannot be the name of a file"):
        baselines.get(MACHINE, name)
    with pytest.raises(UsageError):
        baselines.get(name, "case")


def test_a_case_without_a_figure_makes_no_baseline(accuracy_result):
    case = case_record(accuracy_result(measurement=None, verdict=Verdict("error", "it crashed")))
    with pytest.raises(UsageError, match="without a figure"):
        baseline_of(case, 0.1)


def break_it(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data, indent=1))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data.pop("value"), 'key "value" is missing'),
        (lambda data: data.update(value="fast"), r"in value"),
        (lambda data: data.update(nosie=1), 'unknown key "nosie"'),
        (lambda data: data.update(noise=-1), r"minimum|less"),
        (lambda data: data.update(runs=[0.1, None]), r"in runs\[1\]"),
        (lambda data: data.update(schema="baseline/2"), "schema"),
        (lambda data: data.update(direction="up"), "higher"),
        (lambda data: data.update(interval={"low": 1}), "interval"),
    ],
)
def test_a_broken_baseline_is_told_with_file_and_line(baselines, timed, stored, change, told):
    break_it(stored, change)
    with pytest.raises(DocumentError, match=told) as raised:
        baselines.get(MACHINE, timed.case_id)
    file, _, line = raised.value.where.rpartition(":")
    assert file.endswith("vad-latency-onnxruntime-cpu.json")
    assert int(line) >= 1


def test_the_line_is_that_of_the_broken_key(baselines, timed, stored):
    break_it(stored, lambda data: data.update(noise="little"))
    with pytest.raises(DocumentError) as raised:
        baselines.get(MACHINE, timed.case_id)
    line = int(raised.value.where.rpartition(":")[2])
    assert '"noise"' in stored.read_text().splitlines()[line - 1]


def test_half_a_file_is_told(baselines, timed, stored):
    stored.write_text(stored.read_text()[:200])
    with pytest.raises(DocumentError, match="not valid JSON"):
        baselines.get(MACHINE, timed.case_id)


@pytest.mark.parametrize("machine", ["aarch64-cpu-other"])
def test_a_baseline_copied_from_another_machine_never_judges(baselines, timed, stored, machine):
    copied = baselines.path(machine, timed.case_id)
    copied.parent.mkdir()
    copied.write_bytes(stored.read_bytes())
    with pytest.raises(DocumentError, match="another machine class") as raised:
        baselines.get(machine, timed.case_id)
    assert (raised.value.expected, raised.value.got) == (machine, MACHINE)


def test_a_baseline_copied_from_another_case_never_judges(baselines, stored):
    baselines.path(MACHINE, "other").write_bytes(stored.read_bytes())
    with pytest.raises(DocumentError, match="another case id"):
        baselines.get(MACHINE, "other")


def test_nothing_half_written_where_the_folder_cannot_be_made(tmp_path, timed):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DocumentError, match="cannot be written"):
        Baselines(tmp_path / "file").put(MACHINE, timed)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]

"""``mlms history``: what many records show, and the exit code of a gate."""

from __future__ import annotations

import copy
import json
import re

import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.record.build import write


@pytest.fixture
def folder(record, tmp_path):
    """A function that writes records a day apart, each changed by its number, into a folder."""

    def make(count, change=lambda cases, number: None):
        for number in range(count):
            one = copy.deepcopy(record)
            one["datetime"] = f"2026-01-{number + 1:02}T00:00:00+00:00"
            change(one["mlms"]["cases"], number)
            write(one, tmp_path / "kept" / f"day-{number + 1:02}.json")
        return str(tmp_path / "kept")

    return make


def run(*arguments):
    return CliRunner().invoke(cli, ["history", *arguments])


def slower_from_15_on(cases, number):
    cases[1]["measured"] = (0.12 if number < 15 else 0.18) * (1 + 0.01 * (number % 5))


def test_a_quiet_history_is_zero(folder):
    done = run(folder(4))
    assert done.exit_code == 0
    assert "nothing happened" in done.output
    assert "1 timed figures tested" in done.output


def test_a_slower_level_is_one_and_says_since_when(folder):
    done = run(folder(25, slower_from_15_on))
    assert done.exit_code == 1
    assert re.search(r"WORSE since day-16: 0.12\d* -> 0.18\d* ms", done.stdout)
    assert "\u2581" in done.stdout
    assert done.stderr == "\nfailed:\n  vad-latency-onnxruntime-cpu: worse since day-16\n"
    assert "1 of 2 cases: nothing happened" in done.stdout


def test_what_to_fail_on_can_be_chosen(folder):
    kept = folder(25, slower_from_15_on)
    assert run(kept, "--fail-on", "drift,flaky").exit_code == 0
    assert run(kept, "--fail-on", "none").exit_code == 0
    assert run(kept, "--fail-on", "changes").exit_code == 2


def test_cases_can_be_chosen_and_quiet_ones_shown(folder):
    kept = folder(3)
    assert "eld-m-python-cpu" in run(kept, "--all", "--case", "eld").stdout
    assert "vad" not in run(kept, "--all", "--case", "eld").stdout


def test_files_in_any_order_are_put_in_order(folder, tmp_path):
    folder(25, slower_from_15_on)
    files = sorted((tmp_path / "kept").glob("*.json"), reverse=True)
    assert "since day-16" in run(*map(str, files)).stdout


def test_a_program_gets_json(folder):
    done = run(folder(25, slower_from_15_on), "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 1
    assert found["worse"]["change"] == ["vad-latency-onnxruntime-cpu: worse since day-16"]
    (case,) = [case for case in found["cases"] if case["changes"]]
    assert len(case["points"]) == 25
    assert case["changes"][0]["record"] == "day-16"


def test_a_vanished_case_is_one(folder):
    done = run(folder(3, lambda cases, number: cases.pop() if number == 2 else None))
    assert done.exit_code == 1
    assert "vad-latency-onnxruntime-cpu: vanished after day-02" in done.stderr


@pytest.mark.parametrize("place", ["nowhere", "empty"])
def test_nothing_to_read_is_two(tmp_path, place):
    (tmp_path / "empty").mkdir()
    done = run(str(tmp_path / place))
    assert done.exit_code == 2
    assert "error: " in done.stderr

"""``mlms diff``: the report, and the exit code of a gate."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.record.build import write
from pytest_mlmodelscope.record.case import case_record

SCRIPT = Path(sys.executable).with_name("mlms")


@pytest.fixture
def files(record, tmp_path):
    """A function that writes two records, the second one changed, and gives their paths."""

    def make(change=lambda cases: None):
        later = copy.deepcopy(record)
        change(later["mlms"]["cases"])
        for name, each in (("before.json", record), ("after.json", later)):
            write(each, tmp_path / name)
        return str(tmp_path / "before.json"), str(tmp_path / "after.json")

    return make


@pytest.fixture
def slower(timed_result):
    return lambda cases: cases[1].update(case_record(timed_result(runs=(0.22, 0.23, 0.24))))


def refuted(cases):
    cases[0].update(verdict="refuted", reason="it fell")


def vanished(cases):
    del cases[0]


def code(files, *options):
    return CliRunner().invoke(cli, ["diff", *files, *options]).exit_code


def test_nothing_worse_is_zero(files):
    assert code(files()) == 0


def test_each_kind_of_worse_is_one(files, slower):
    for change in (refuted, vanished, slower):
        assert code(files(change)) == 1


def test_the_other_way_round_is_better(files, slower):
    for change in (refuted, slower):
        assert code(reversed(files(change))) == 0


def test_new_cases_and_other_machines_pass(files):
    assert code(reversed(files(vanished))) == 0


@pytest.mark.parametrize(
    ("change", "passing", "failing"),
    [
        (refuted, "vanished,figures", "verdict"),
        (vanished, "verdict, figures", "vanished"),
    ],
)
def test_what_to_fail_on_can_be_chosen(files, change, passing, failing):
    pair = files(change)
    assert code(pair, "--fail-on", passing) == 0
    assert code(pair, "--fail-on", failing) == 1
    assert code(pair, "--fail-on", "none") == 0


def test_figures_can_be_left_out(files, slower):
    pair = files(slower)
    assert code(pair, "--fail-on", "verdict,vanished") == 0
    assert code(pair, "--fail-on", "figures") == 1


@pytest.mark.parametrize("kinds", ["verdicts", "", ",", "verdict,none", "all"])
def test_an_unknown_kind_is_a_wrong_call(files, kinds):
    done = CliRunner().invoke(cli, ["diff", *files(), "--fail-on", kinds])
    assert done.exit_code == 2
    assert "verdict, vanished, figures, machine; or none" in done.stderr


def test_a_person_is_told_what_failed(files):
    done = CliRunner().invoke(cli, ["diff", *files(refuted)])
    assert "WORSE  eld-m-python-cpu: confirmed -> refuted" in done.stdout
    assert done.stderr == "\nfailed:\n  eld-m-python-cpu: confirmed -> refuted\n"


@pytest.mark.parametrize("how", [["--json"], ["--format", "json"]])
def test_a_program_gets_json_alone(files, how):
    done = CliRunner().invoke(cli, ["diff", *files(vanished), *how])
    found = json.loads(done.output)
    assert found["worse"]["vanished"] == ["eld-m-python-cpu: vanished (was confirmed)"]
    assert done.exit_code == 1


def test_a_pull_request_gets_markdown_alone(files):
    done = CliRunner().invoke(cli, ["diff", *files(refuted), "--format", "markdown"])
    assert done.stdout.startswith("### 1 worse\n")
    assert done.stderr == ""
    assert done.exit_code == 1


@pytest.mark.parametrize("side", [0, 1])
def test_a_record_that_cannot_be_read_is_two(files, side, tmp_path):
    pair = list(files())
    Path(pair[side]).write_text('{"machine_info": {}, "benchmarks": []}')
    done = CliRunner().invoke(cli, ["diff", *pair])
    assert done.exit_code == 2
    assert "is a file of pytest-benchmark without claims" in done.stderr
    assert Path(pair[side]).name in done.stderr


def test_the_real_command(files):
    pair = files(refuted)
    done = subprocess.run([SCRIPT, "diff", *pair], capture_output=True, text=True, env={**os.environ, "COLUMNS": "80"})
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines()[2:])) <= 80
    assert "same machine, same software" in done.stdout

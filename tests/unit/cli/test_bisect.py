"""``mlms bisect``: what it would do, does, and refuses."""

from __future__ import annotations

import copy
import json

import pytest
from click.testing import CliRunner
from published import DIGITS

from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.record.build import write

CLAIM = DIGITS + "conditions: {threads: 1}\n"


@pytest.fixture
def project(tmp_path, write_digits, monkeypatch):
    monkeypatch.chdir(write_digits(tmp_path))
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "digits.yml").write_text(CLAIM)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(cli, ["bisect", *arguments])


def test_the_plan_is_told_first_and_a_dry_run_ends_there(project):
    done = run("digits-accuracy", "--vary", "threads=1,2", "--vary", "option.graph_optimization=all,none", "--dry-run")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert done.stderr.startswith(
        "plan: digits-accuracy-onnxruntime-cpu: threads 1 -> 2, option.graph_optimization all -> none; "
        "every combination: 4 stacks"
    )


def test_what_makes_no_difference_is_measured_and_said(project):
    done = run("digits-accuracy", "--vary", "threads=1,2", "--offline")
    assert done.exit_code == 0, done.output
    assert "digits-accuracy-onnxruntime-cpu: the same figure in A and B" in done.stdout
    assert "what was swapped does not make the change here: threads 1 -> 2" in done.stdout
    assert "measuring A\nmeasuring B\n" in done.stderr


def test_two_records_say_what_differs_and_what_is_left_over(project, record):
    case = copy.deepcopy(record["mlms"]["cases"][0])
    case.update(id="digits-accuracy-onnxruntime-cpu", claim="digits-accuracy", framework="onnxruntime", target="cpu")
    case["software"] = {"framework": "onnxruntime", "version": "1.32.0", "threads": 1}
    for name, threads, machine in (("a", 1, "One"), ("b", 2, "Another")):
        case["conditions"]["threads"] = case["software"]["threads"] = threads
        record["mlms"].update(cases=[case], matrices=[], findings=[])
        record["mlms"]["machine"]["name"] = machine
        write({**record, "benchmarks": []}, project / f"{name}.json")
    done = run("a.json", "b.json", "digits-accuracy", "--json", "--offline")
    assert done.exit_code == 0, done.output
    assert "left over: machine (this is one machine): name One -> Another" in done.stderr
    found = json.loads(done.stdout)
    assert [share["word"] for share in found["shares"]] == ["no part"]
    assert {one["kind"] for one in found["left_over"]} == {"machine", "model"}
    assert found["made"] is False


def test_releases_are_counted_before_any_is_measured(project):
    done = run("--good", "1.16.3", "--bad", "1.20.0", "digits-accuracy", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "plan: digits-accuracy-onnxruntime-cpu: 1.16.3 and 1.20.0, then at most 3 of the " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["digits-accuracy"], "nothing that can be swapped here differs"),
        (["digits-acuracy", "--vary", "threads=1,2"], 'did you mean "digits-accuracy"?'),
        (["digits-accuracy", "--vary", "treads=1,2"], 'did you mean "threads"?'),
        (["digits-accuracy", "--good", "1.16.3"], "--good and --bad belong together"),
        (["digits-accuracy", "--good", "x", "--bad", "1.16.3"], "is not a version"),
        (["a", "b"], "one case is wanted"),
        (["nowhere.json", "nowhere.json", "digits-accuracy"], "cannot be read"),
        (["digits-accuracy", "--framework", "onnx", "--vary", "threads=1,2"], 'no framework is called "onnx"'),
        (["digits-accuracy", "--claims", "nowhere", "--vary", "threads=1,2"], "no such file or folder"),
    ],
)
def test_a_wrong_call_is_two(project, arguments, said):
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr

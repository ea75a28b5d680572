"""``mlms run``: a load without a claim."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli.main import cli

MODEL = ("run", "fashion-cnn", "--framework", "onnxruntime", "--disturbed", "ignore")


def called(*arguments):
    return CliRunner().invoke(cli, [*map(str, arguments)], prog_name="mlms")


def test_a_table_says_what_ran_and_marks_what_is_not_shown():
    result = called(*MODEL, "--batch", "1,4", "--threads", 1, "--runs", 1, "--seconds", 0.05, "--queries", 70)
    assert result.exit_code == 0, result.output
    assert "single_stream, 1 process runs" in result.stdout
    assert "process run 1 of 1" in result.stderr
    rows = [line.split() for line in result.stdout.splitlines() if line[:1] in "14"]
    assert [(cells[0], cells[1]) for cells in rows] == [("1", "1"), ("4", "1")]


def test_json_has_every_figure_with_its_interval():
    load = ("--scenario", "server", "--rate", 200, "--runs", 2, "--seconds", 0.05, "--queries", 20)
    result = called(*MODEL, "--threads", 1, *load, "--data", "fashion-mnist/test", "--json")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    assert row["scenario"] == "server"
    assert row["rate"] == {"value": pytest.approx(200), "low": pytest.approx(200), "high": pytest.approx(200)}
    assert row["latency_s"]["50"]["low"] <= row["latency_s"]["50"]["high"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--scenario", "server"), "either --rate or --latency-bound"),
        (("--scenario", "server", "--rate", 5, "--latency-bound", "5ms"), "either --rate or --latency-bound"),
        (("--scenario", "server", "--latency-bound", "5"), "is not a time"),
        (("--rate", 5), "do not arrive by themselves under single_stream"),
        (("--samples-per-query", 5), "says nothing under single_stream"),
        (("--data", "nothing"), 'no dataset is called "nothing"'),
        (("--batch", "1,x"), "are not whole numbers"),
        (("--threads", "0"), "is not 1 or more"),
    ],
)
def test_what_does_not_go_together_is_said(arguments, told):
    result = called(*MODEL, *arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_model_that_no_claim_is_about_needs_data(tmp_path, monkeypatch, write_digits):
    monkeypatch.chdir(write_digits(tmp_path))
    result = called("run", "digits-means")
    assert result.exit_code == 2
    assert "--data" in result.stderr


def test_a_model_that_nobody_has_is_told_the_nearest():
    done = called("run", "eld-mm")
    assert done.exit_code == 2
    assert 'did you mean "eld-m"?' in done.stderr

"""What pytest and ``mlms`` show of another machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.record.build import read
from pytest_mlmodelscope.remote.machine import remote
from pytest_mlmodelscope.targets import local_cpu

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def session(stranger, tmp_path_factory):
    """A run of pytest on that machine: what it said, and its record."""
    stranger.give(">=3.11,<3.14")
    folder = tmp_path_factory.mktemp("session")
    chosen = [
        "--mlms-target",
        "ssh://lab",
        "--mlms-framework",
        "onnxruntime",
        "-k",
        "accuracy or parameters or latency",
    ]
    written = ["--mlms-json", str(folder / "record.json"), "--mlms-evidence", "sample:500"]
    command = [sys.executable, "-m", "pytest", "--mlms", "claims/fashion-cnn.yml", *chosen, *written]
    done = subprocess.run([*command, "-p", "no:cacheprovider"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout
    return done.stdout, read(folder / "record.json")


@pytest.fixture
def mlms(stranger):
    """Runs a command in this process; its exit status and what it printed."""

    def run(*words):
        done = CliRunner().invoke(cli, words)
        return done.exit_code, done.output

    return run


def test_the_head_says_which_machine_it_is(session):
    here = local_cpu()
    assert f"mlms: on ssh://lab: {here.arch}, {here.name}" in session[0]


def test_each_case_says_where_it_ran(session):
    said, record = session
    assert "onnxruntime on ssh://lab" in said
    assert {case["target"] for case in record["mlms"]["cases"]} == {"ssh://lab"}
    assert "fashion-cnn-latency-onnxruntime-ssh-lab" in said


def test_the_record_is_that_of_the_machine(session):
    machine, here = session[1]["mlms"]["machine"], local_cpu()
    assert machine["machine_class"] == here.machine_class
    assert machine["threads"] == here.facts["threads"]
    assert machine["facts"]["address"] == "ssh://lab"
    assert session[1]["machine_info"]["machine"] == here.arch
    assert session[1]["machine_info"]["cpu"]["brand_raw"] == here.name


def test_its_environments_and_files_are_listed_and_removed(session, stranger, mlms):
    status, listed = mlms("env", "list", "--target", "ssh://lab", "--json")
    rows = {row["source"]: row for row in json.loads(listed)}
    assert (status, set(rows)) == (0, {"remote", "models"})
    assert rows["remote"]["framework"] == "onnxruntime"
    assert rows["remote"]["bytes"] > 10_000_000
    assert mlms("env", "remove", "--target", "ssh://lab", "no-such-one")[0] == 2
    status, removed = mlms("env", "remove", "--all", "--target", "ssh://lab")
    assert status == 0
    assert rows["remote"]["key"] in removed
    kept = Path(remote("ssh://lab").facts["cache"])
    assert [path for path in kept.rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_the_archive_here_is_listed(session, mlms):
    status, listed = mlms("env", "list", "--json")
    archives = [row for row in json.loads(listed) if row["source"] == "archive"]
    assert status == 0
    assert "onnxruntime" in {row["framework"] for row in archives}
    assert all(row["platform"].partition("-")[0] in ("x86_64", "aarch64") for row in archives)


def test_it_can_be_looked_at_before(session, mlms):
    status, said = mlms("targets", "ssh://lab", "--json")
    (row,) = json.loads(said)
    assert status == 0
    assert (row["name"], row["here"], row["machine_class"]) == ("ssh://lab", True, local_cpu().machine_class)
    (row,) = json.loads(mlms("targets", "ssh://127.0.0.1:9", "--json")[1])
    assert row["here"] is False
    assert "ssh://127.0.0.1:9 cannot be reached" in row["reason"]
    assert mlms("targets", "tpu")[0] == 2


def test_a_machine_that_cannot_be_reached_is_a_sentence(mlms):
    status, said = mlms("env", "list", "--target", "ssh://127.0.0.1:9")
    assert status == 2
    assert "ssh://127.0.0.1:9 cannot be reached" in said
    assert mlms("env", "list", "--target", "lab")[0] == 2

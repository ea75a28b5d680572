"""``mlms predict`` and ``mlms verify`` as a user types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli.main import cli


@pytest.fixture
def mlms():
    return lambda *words, **how: CliRunner().invoke(cli, list(words), **how)


@pytest.fixture
def boot(tmp_path):
    pixels = np.zeros((28, 28), int)
    pixels[14:, 4:24] = 200
    path = tmp_path / "boot.json"
    path.write_text(json.dumps(pixels.tolist()))
    return str(path)


def test_an_answer_with_its_labels_and_latency(mlms, boot):
    done = mlms("predict", "fashion-cnn", boot, "--framework", "onnxruntime", "--top", "2")
    assert done.exit_code == 0, done.output
    head, _, first, second, last = done.stdout.splitlines()
    assert head.split()[:2] == ["fashion-cnn", "onnxruntime"]
    assert first.startswith("boot.json")
    assert len(second.split()) >= 2
    assert last.startswith("latency")


def test_frameworks_side_by_side(mlms, boot):
    done = mlms("predict", "fashion-cnn", boot, "--framework", "onnxruntime,openvino", "--json")
    assert done.exit_code == 0, done.output
    one, other = json.loads(done.stdout)
    assert (one["framework"], other["framework"]) == ("onnxruntime", "openvino")
    assert one["answers"][0]["value"] == other["answers"][0]["value"]
    assert one["answers"][0]["top"][0]["score"] == pytest.approx(other["answers"][0]["top"][0]["score"], abs=1e-4)


def test_one_framework_that_cannot_answer_does_not_hide_the_other(mlms, boot):
    done = mlms("predict", "fashion-cnn", boot, "--framework", "onnxruntime,pytorch==0.0.1", "--json")
    assert done.exit_code == 1
    one, other = json.loads(done.stdout)
    assert one["answers"]
    assert (other["framework"], "answers" in other) == ("pytorch==0.0.1", False)
    assert f"pytorch==0.0.1: {other['error']}" in done.stderr


def test_nothing_is_run_where_one_framework_is_misspelt(mlms, boot):
    done = mlms("predict", "fashion-cnn", boot, "--framework", "onnxruntime,openvin")
    assert done.exit_code == 2
    assert 'did you mean "openvino"' in done.stderr
    assert not done.stdout


def test_the_standard_input_is_an_input(boot):
    command = [Path(sys.executable).with_name("mlms"), "predict", "fashion-cnn", "-", "--framework", "onnxruntime"]
    with Path(boot).open("rb") as file:
        done = subprocess.run([*command, "--json"], stdin=file, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)[0]["answers"][0]["top"]) == 5


def test_what_the_model_does_not_take_is_said_without_a_traceback(mlms):
    done = mlms("predict", "vader-3.3.2", " ", "--json")
    assert done.exit_code == 2
    assert json.loads(done.stderr)["error"]["kind"] == "InputError"
    assert "Traceback" not in done.output


def test_verify_tells_the_verdict_and_writes_the_record(mlms, tmp_path):
    file = tmp_path / "now.json"
    done = mlms("verify", "vader-tweets-r", "--sample", "300", "--record", str(file))
    assert done.exit_code == 0, done.output
    assert "vader-tweets-r" in done.stdout
    record = json.loads(file.read_text())
    assert [case["claim"] for case in record["mlms"]["cases"]] == ["vader-tweets-r"]
    assert record["mlms"]["settings"]["evidence"] == "sample:300"


def test_verify_fails_where_a_claim_is_refuted(mlms, tmp_path, write_digits, monkeypatch):
    write_digits(tmp_path)
    (tmp_path / "ours.yml").write_text(
        "schema: claim/1\nclaims:\n  - id: bad\n    model: digits-means\n    dataset: {name: digits}\n"
        '    metric: accuracy\n    value: 99.99\n    unit: "%"\n'
        "    source: {title: Ours, figure: 99.99 %, where: here, read: 2026-01-01}\n"
    )
    monkeypatch.chdir(tmp_path)
    done = mlms("verify", "ours.yml", "--why", "0", "--json")
    assert done.exit_code == 1
    assert "refuted" in done.stdout
    assert mlms("verify", "nobody-claims-this").exit_code == 2


def test_what_was_verified_is_kept_once_for_each_run(mlms, tmp_path):
    from pytest_mlmodelscope.store import runs
    from pytest_mlmodelscope.store.database import Database

    for _ in range(2):
        done = mlms("verify", "fashion-cnn-parameters", "--framework", "onnxruntime", "--store", str(tmp_path / "kept"))
        assert done.exit_code == 0, done.output
    with Database(tmp_path / "kept") as database, database.reading() as session:
        kept = [runs.read(session, record.digest)["mlms"]["cases"] for record in runs.newest(session)]
    assert [[case["verdict"] for case in cases] for cases in kept] == [["confirmed"]] * 2


@pytest.mark.parametrize(
    ("model", "given", "said"),
    [
        ("squeezenet-1.1", "cat.jpg", "cat.jpg: there is no such file"),
        ("ppocr-v4", "words.png --framework find=onnxruntime+read=openvino", "words.png: there is no such file"),
        ("squeezenet-1.1", "https://example.org/cat.jpg", "is an address, and nothing is fetched"),
        ("fashion-cnn", "boot.png", "is neither a file that is here nor JSON"),
        ("silero-vad", "word.wav", "is neither a file that is here nor JSON"),
        ("vader-3.3.2", " ", "the text is empty"),
    ],
)
def test_what_a_model_does_not_take_is_said_before_anything_is_fetched_or_built(
    mlms, tmp_path, monkeypatch, model, given, said
):
    monkeypatch.chdir(tmp_path)
    given, *how = given.split() or [given]
    done = mlms("predict", model, given, *how, "--cache", "cache")
    assert done.exit_code == 2
    assert said in done.stderr
    assert not list(tmp_path.iterdir())

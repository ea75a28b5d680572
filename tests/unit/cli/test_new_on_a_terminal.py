"""``mlms new`` as a person meets it: questions on a real terminal, and what comes out of it answers."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

MLMS = str(Path(sys.executable).with_name("mlms"))


def conversed(folder: Path, command: list[str], answers: dict[str, str]) -> str:
    """What stands on the terminal after each question that begins so was answered; ends when the command does."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvpe(MLMS, [MLMS, *command], {**os.environ, "TERM": "xterm", "COLUMNS": "200"})
    seen, left = "", dict(answers)
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # so Linux says that the other end is closed
            break
        if not part:
            break
        seen += part.decode()
        asked = next((question for question in left if question in seen), None)
        if asked is not None:
            os.write(terminal, left.pop(asked).encode() + b"\n")
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert (status, left) == (0, {}), seen
    return seen


def mlms(folder: Path, *arguments: str) -> str:
    done = subprocess.run([MLMS, *arguments], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory, model_bytes, digits):
    """A project made of a file of a model and a table, by answering questions."""
    folder = tmp_path_factory.mktemp("mine")
    (folder / "digits.onnx").write_bytes(model_bytes)
    rows = [",".join(map(str, [*map(int, picture), int(label)])) for picture, label in zip(*digits, strict=True)]
    head = ",".join([*(f"p{at}" for at in range(64)), "label"])
    (folder / "digits.csv").write_text("\n".join([head, *rows[:100]]) + "\n")
    return folder


def test_a_model_a_dataset_and_a_claim_from_nothing_but_answers(folder):
    told = conversed(
        folder,
        ["new", "model", "digits.onnx"],
        {
            "What is it called? [digits]": "means",
            "What is it for? [classification]": "",
            "Which version is it?": "",
            "Under which license": "MIT",
            "What is it, in one sentence?": "Nearest class mean of digits.",
        },
    )
    assert "wrote manifests/models/means.yml" in told
    told = conversed(
        folder,
        ["new", "dataset", "digits.csv"],
        {
            "What is it called?": "",
            "Which column is the answer": "",
            "Which column goes in": "",
            "Which version is it?": "",
            "Under which license": "MIT",
            "What is it, in one sentence?": "",
            "What is this part called?": "",
        },
    )
    assert "100 items were read" in told
    told = conversed(
        folder,
        ["new", "claim"],
        {
            "About which model? [means]": "",
            "Which metric? [accuracy]": "",
            "On which data? [digits]": "",
            "What is it called? [means-accuracy]": "",
            "In which unit? [%]": "",
            "Which figure was published? ": "85",
            "The figure as printed [85 %]": "at least 85 %",
            "Where was it published? The title": "Notes",
            "The table, line or file in it": "line 1",
            "The day that it was looked up": "",
        },
    )
    assert "wrote claims/means-accuracy.yml" in told
    assert mlms(folder, "lint", "claims", "manifests") == "3 files checked, 0 problems\n"


def test_what_was_made_answers(folder):
    answer = mlms(folder, "predict", "means", str([0.0] * 64))
    assert answer.splitlines()[0].startswith("means")
    assert "latency" in answer


def test_whoever_interrupts_the_questions_leaves_nothing_behind(folder, tmp_path):
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        os.execvpe(MLMS, [MLMS, "new", "model", str(folder / "digits.onnx")], {**os.environ, "TERM": "xterm"})
    seen = ""
    while "What is it called?" not in seen:
        seen += os.read(terminal, 65536).decode()
    os.write(terminal, b"\x03")
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part.decode()
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 130
    assert "Traceback" not in seen
    assert not list(tmp_path.iterdir())

"""``mlms new`` as a person meets it: questions on a real terminal, and what comes out of it answers."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

MLMS = str(Path(sys.executable).with_name("mlms"))


def conversed(folder: Path, command: list[str], answers: dict[str, str], status: int = 0) -> str:
    """What stands on the terminal when the command has ended; a question that begins so gets its answer."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvpe(MLMS, [MLMS, *command], {**os.environ, "TERM": "xterm", "COLUMNS": "200"})
    seen, left, given = "", dict(answers), ""
    while part := _read(terminal, given):
        seen += part
        asked = next((question for question in left if question in seen), None)
        if asked is not None:
            given = left.pop(asked)
            os.write(terminal, given.encode())
    os.close(terminal)
    assert (os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), left) == (status, {}), seen
    return seen


def _read(terminal: int, given: str) -> str:
    """What comes next. Ctrl-C is pressed again where nothing comes: Python misses one between a prompt and its wait."""
    while not select.select([terminal], [], [], 1)[0]:
        if given == "\x03":
            os.write(terminal, given.encode())
    try:
        return os.read(terminal, 65536).decode()
    except OSError:  # so Linux says that the other end is closed
        return ""


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
            "What is it called? [digits]": "means\n",
            "What is it for? [classification]": "\n",
            "Which version is it?": "\n",
            "Under which license": "MIT\n",
            "What is it, in one sentence?": "Nearest class mean of digits.\n",
        },
    )
    assert "wrote manifests/models/means.yml" in told
    told = conversed(
        folder,
        ["new", "dataset", "digits.csv"],
        {
            "What is it called?": "\n",
            "Which column is the answer": "\n",
            "Which column goes in": "\n",
            "Which version is it?": "\n",
            "Under which license": "MIT\n",
            "What is it, in one sentence?": "\n",
            "What is this part called?": "\n",
        },
    )
    assert "100 items were read" in told
    told = conversed(
        folder,
        ["new", "claim"],
        {
            "About which model? [means]": "\n",
            "Which metric? [accuracy]": "\n",
            "On which data? [digits]": "\n",
            "What is it called? [means-accuracy]": "\n",
            "In which unit? [%]": "\n",
            "Which figure was published? ": "85\n",
            "The figure as printed [85 %]": "at least 85 %\n",
            "Where was it published? The title": "Notes\n",
            "The table, line or file in it": "line 1\n",
            "The day that it was looked up": "\n",
        },
    )
    assert "wrote claims/means-accuracy.yml" in told
    assert mlms(folder, "lint", "claims", "manifests") == "3 files checked, 0 problems\n"


def test_what_was_made_answers(folder):
    answer = mlms(folder, "predict", "means", str([0.0] * 64))
    assert answer.splitlines()[0].startswith("means")
    assert "latency" in answer


def test_whoever_interrupts_the_questions_leaves_nothing_behind(folder, tmp_path):
    command = ["new", "model", str(folder / "digits.onnx")]
    seen = conversed(tmp_path, command, {"What is it called?": "\x03"}, status=130)
    assert "interrupted" in seen
    assert "Traceback" not in seen
    assert not list(tmp_path.iterdir())

"""What a shell completes: asked as the shells ask."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(sys.executable).with_name("mlms")


def completed(line, folder):
    environment = {**os.environ, "_MLMS_COMPLETE": "bash_complete", "COMP_WORDS": line}
    environment["COMP_CWORD"] = str(len(line.split(" ")) - 1)
    done = subprocess.run([SCRIPT], capture_output=True, text=True, env=environment, cwd=folder, timeout=60)
    assert done.stderr == ""
    return [row.partition(",")[2] for row in done.stdout.splitlines() if row]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_lines_that_ask_this_command(shell, tmp_path):
    done = subprocess.run([SCRIPT, "completion", shell], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"_MLMS_COMPLETE={shell}_complete" in done.stdout


def test_a_shell_that_nobody_knows(tmp_path):
    done = subprocess.run([SCRIPT, "completion", "cmd"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("mlms mo", ["models"]),
        ("mlms nothing-of-this-na", []),
        ("mlms models --fr", ["--framework"]),
        ("mlms models --framework onnx", ["onnxruntime"]),
        ("mlms run squeeze", ["squeezenet-1.1"]),
        ("mlms run eld-m --target arm", ["arm"]),
        ("mlms show eld-m-b", ["eld-m-big-test"]),
        ("mlms show fashion-mnist-", ["fashion-mnist-500"]),
        ("mlms claims --model vader-0", ["vader-0.5"]),
        ("mlms claims --metric spear", ["spearman"]),
        ("mlms env build caffe2", ["caffe2"]),
        ("mlms targets pp", ["ppc"]),
        ("mlms bisect --framework cn", ["cntk"]),
        ("mlms why --framework mx", ["mxnet"]),
    ],
)
def test_names_are_those_that_are_at_hand(line, some, tmp_path):
    assert completed(line, tmp_path) == some


def test_a_broken_claim_here_is_not_told_to_the_shell(tmp_path):
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "a.yml").write_text("schema: claim/1\nid: [\n")
    assert completed("mlms show eld-m-b", tmp_path) == []

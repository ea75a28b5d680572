"""``--json`` everywhere: every command of the tree, called for real, prints what a program can read."""

from __future__ import annotations

import copy
import json
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli import main
from pytest_mlmodelscope.record.build import write

#: What each call prints. ``HERE`` is the id of a token, ``KEY`` the beginning of a key's fingerprint.
CALLS = {
    "models squeezenet": list,
    "claims good": list,
    "datasets digits": list,
    "frameworks onnx": list,
    "targets cpu": list,
    "show eld-m": dict,
    "show now.json": dict,
    "predict digits-means 1.json": list,
    "run digits-means --data digits --runs 1 --seconds 0 --queries 10 --disturbed ignore": list,
    "verify good --sample 50": dict,
    "matrix now.json": dict,
    "why claims/digits.yml good --seconds 1": list,
    "report now.json": dict,
    "report now.json --markdown comment.md": dict,
    "judge table.csv": dict,
    "diff now.json now.json": dict,
    "history now.json": dict,
    "record import now.json": list,
    "record list": list,
    "record show DIGEST": dict,
    "record export --into there": list,
    "record remove DIGEST": list,
    "record prune --keep 100": list,
    "key new": dict,
    "key list": list,
    "key show": dict,
    "hub key add ann public.pem": dict,
    "hub key list": list,
    "hub key revoke KEY": dict,
    "token new ann --scope results:write": dict,
    "token list": list,
    "token revoke TOKEN": dict,
    "new model digits.onnx --yes": dict,
    "new dataset words.tsv --yes": dict,
    "new claim --model digits-means --dataset digits --value 1 --title T --where W --yes": dict,
    "lint claims": dict,
    "hash words.tsv": dict,
    "schema claim": dict,
    "metrics": list,
    "checks": list,
    "steps": list,
    "readers": list,
    "scenarios": list,
    "mismatches": list,
    "cache list": list,
    "cache prune --dry-run": list,
    "cache verify": list,
    "env list": list,
    "env build onnxruntime": list,
    "env verify": list,
    "env remove --all": list,
    "completion zsh": dict,
}
#: Those that take longer; their own tests ask them for JSON.
ELSEWHERE = {"serve", "push", "doctor", "bisect"}
CLAIM = """\
schema: claim/1
id: good
model: digits-means
dataset: digits
metric: accuracy
value: 89
unit: "%"
source: {title: Ours, figure: "89 %", where: here, read: "2026-01-01"}
"""


def leaves(command, words=()):
    """Every command that is no group, as its words."""
    if not isinstance(command, click.Group):
        yield " ".join(words)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        yield from leaves(command.get_command(context, name), (*words, name))


def test_every_command_is_called_here():
    called = {leaf for leaf in leaves(main.cli) for call in CALLS if f"{call} ".startswith(f"{leaf} ")}
    assert set(leaves(main.cli)) == called | ELSEWHERE


@pytest.fixture(scope="module")
def project(tmp_path_factory, write_digits, model_bytes, _record):
    """A folder with what the calls are about; its cache, store and keys are its own."""
    folder = write_digits(tmp_path_factory.mktemp("project"))
    (folder / "claims").mkdir()
    (folder / "claims" / "digits.yml").write_text(CLAIM)
    (folder / "1.json").write_text(json.dumps([[0] * 8] * 8))
    (folder / "words.tsv").write_text("de\tGuten Morgen\nfr\tBonjour\n")
    (folder / "table.csv").write_text("model,metric,value,n\na,accuracy,0.91,1000\nb,accuracy,0.92,1000\n")
    (folder / "digits.onnx").write_bytes(model_bytes)
    write(copy.deepcopy(_record), folder / "now.json")
    return folder


@pytest.fixture
def called(project, monkeypatch):
    """Calls a command in that folder."""
    monkeypatch.chdir(project)
    for name, value in {"HOME": project, "MLMS_CACHE": project / "cache", "XDG_CONFIG_HOME": project}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("MLMS_STORE")
    return lambda line: CliRunner().invoke(main.cli, shlex.split(line))


@pytest.fixture
def kept(called, project):
    """What the words in capitals stand for, made when a line has them."""

    def made(line):
        if "DIGEST" in line:
            (row,) = json.loads(called("record import now.json --json").stdout)
            line = line.replace("DIGEST", row["digest"])
        if "public.pem" in line or "KEY" in line:
            called("key new signer")
            key = json.loads(called("key show signer --json").stdout)
            (project / "public.pem").write_text(key["public"])
            if "KEY" in line:
                called("hub key add ann public.pem")
            line = line.replace("KEY", key["fingerprint"][:12])
        if "TOKEN" in line:
            called("token new bob --scope results:write")
            line = line.replace("TOKEN", json.loads(called("token list --json").stdout)[0]["id"])
        return line

    return made


@pytest.mark.parametrize("line", CALLS)
def test_with_json_the_standard_output_is_json_and_nothing_else(called, kept, line):
    done = called(f"{kept(line)} --json")
    assert done.exit_code in (0, 1), done.output
    told = json.loads(done.stdout)
    assert isinstance(told, CALLS[line])


@pytest.mark.parametrize("line", CALLS)
def test_a_call_that_goes_wrong_says_so_as_json(called, line):
    done = called(f"{line} --no-such-option --json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--no-such-option" in json.loads(done.stderr)["error"]["what"]


def test_a_hub_says_in_one_line_where_it_is(tmp_path):
    command = [Path(sys.executable).with_name("mlms"), "serve"]
    how = ["--port", "0", "--workers", "0", "--database", tmp_path / "hub.sqlite", "--json"]
    with subprocess.Popen([*command, *how], stdout=subprocess.PIPE, text=True) as process:
        told = json.loads(process.stdout.readline())
        process.terminate()
        rest = process.stdout.read()
    assert told["address"].startswith("http://127.0.0.1:")
    assert told["database"] == str(tmp_path / "hub.sqlite")
    assert (process.returncode, rest) == (0, "")

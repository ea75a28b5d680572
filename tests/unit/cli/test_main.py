"""The command ``mlms``: as a library's test runner calls it, and as a person does."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli import main
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.core.schema import CURRENT, schema
from pytest_mlmodelscope.record.build import write

SCRIPT = Path(sys.executable).with_name("mlms")
CLAIM = """\
schema: claim/1
id: tiny-accuracy
model: tiny
dataset: tiny-data
metric: accuracy
value: 91.5
unit: "%"
source: {title: A paper, figure: "91.5 %", where: Table 1, read: "2026-11-20"}
"""


def mlms(*arguments, **how):
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=60, **how)


def invoke(*arguments):
    return CliRunner().invoke(main.cli, list(arguments))


@pytest.fixture
def written(record, tmp_path):
    path = tmp_path / "record.json"
    write(record, path)
    return path


@pytest.mark.parametrize("how", [["--help"], ["-h"]])
def test_help_names_every_command(how):
    done = mlms(*how)
    assert (done.returncode, done.stderr) == (0, "")
    for name in main.COMMANDS:
        assert f"\n  {name} " in done.stdout
    assert "Exit codes" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_without_a_command_it_says_how_to_begin():
    done = mlms()
    assert (done.returncode, done.stderr) == (0, "")
    told = re.findall(r"^  mlms (\w+)", done.stdout, re.MULTILINE)
    assert told
    assert set(told) <= set(main.COMMANDS)


def test_every_section_of_the_help_has_commands_and_each_command_one_section():
    assert sorted(main.COMMANDS) == sorted(name for section in main.SECTIONS.values() for name in section)
    text = mlms("--help").stdout
    assert all(f"\n{title}:\n" in text for title in main.SECTIONS)


def test_help_imports_nothing_that_is_slow():
    heavy = ["numpy", "scipy", "rich", "requests", "jsonschema", "jsonschema_rs", "yaml", "onnx", "psutil", "pytest"]
    code = f"""
import sys
from click.testing import CliRunner
from pytest_mlmodelscope.cli.main import cli
assert CliRunner().invoke(cli, ["--help"]).exit_code == 0
print([name for name in {heavy} if name in sys.modules])
ours = [name[24:] for name in sys.modules if name.startswith("pytest_mlmodelscope.cli.")]
print(sorted(set(ours) - {{"main", "console"}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[]"]


def test_version():
    assert mlms("--version").stdout == f"mlms, version {version('pytest-mlmodelscope')}\n"


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_is_there_and_has_help(name):
    command = main.Commands().get_command(click.Context(main.cli), name)
    assert isinstance(command, click.Command)
    done = invoke(name, "--help")
    assert done.exit_code == 0
    assert command.help


def with_subcommands(command, words):
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from with_subcommands(inner, [*words, name])


EVERY = [
    pytest.param(words, command, id=" ".join(words))
    for name in main.COMMANDS
    for words, command in with_subcommands(main.Commands().get_command(click.Context(main.cli), name), [name])
]


@pytest.mark.parametrize(("words", "command"), EVERY)
def test_every_command_has_an_example_that_it_understands(words, command):
    assert command.epilog, "no example"
    calls = re.findall(r"mlms ([^#\n)]*)", command.epilog)
    assert calls
    for call in calls:
        name, *rest = shlex.split(call.partition(" > ")[0])
        found = main.Commands().get_command(click.Context(main.cli), name)
        while isinstance(found, click.Group) and rest:
            found = found.commands[rest.pop(0)]
        found.make_context(name, rest)


def test_a_misspelt_command_is_told_the_nearest():
    done = mlms("dif")
    assert done.returncode == 2
    assert 'no command is called "dif": did you mean "diff"?' in done.stderr


@pytest.mark.parametrize(
    "arguments", [["--bogus"], ["show"], ["diff", "one"], ["schema", "bogus"], ["show", "x", "--format", "pdf"]]
)
def test_a_wrong_call_says_how_to_call(arguments):
    done = mlms(*arguments)
    assert done.returncode == 2
    assert "Usage:" in done.stderr
    assert "Traceback" not in done.stderr


def failing(error):
    @click.command()
    def broken():
        raise error

    return broken


@pytest.fixture
def put_in(monkeypatch):
    """Makes ``mlms show`` another command."""

    def put(command):
        monkeypatch.setattr(importlib.import_module("pytest_mlmodelscope.cli.show"), "show", command)

    return put


def test_an_error_of_ours_is_a_message_and_exit_code_two(put_in):
    put_in(failing(DocumentError("is empty", where="a.yml:3", hint="write something")))
    done = invoke("show")
    assert done.exit_code == 2
    assert done.stderr == "error: a.yml:3: is empty\n  try:      write something\n"
    assert done.stdout == ""


def error_of(done):
    (line,) = done.stderr.splitlines()
    return json.loads(line)["error"]


def test_with_json_an_error_of_ours_is_json_on_the_standard_error(put_in):
    @click.command()
    @click.option("--json", is_flag=True)
    def broken(json):
        raise DocumentError("is empty", where="a.yml:3", expected=3, hint="write something")

    put_in(broken)
    done = invoke("show", "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert error_of(done) == {
        "kind": "DocumentError",
        "what": "is empty",
        "where": "a.yml:3",
        "expected": "3",
        "got": None,
        "hint": "write something",
    }


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["modls", "--json"], 'no command is called "modls": did you mean "models"?'),
        (["models", "--json", "--bogus"], "No such option"),
        (["show", "--json"], "Missing argument"),
        (["doctor", "--json", "surplus"], "unexpected extra argument"),
    ],
)
def test_with_json_a_wrong_call_is_json_as_well(arguments, what):
    done = mlms(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert error_of(done)["kind"] == "UsageError"
    assert what in error_of(done)["what"]


def test_json_after_two_dashes_is_a_word_and_no_wish():
    assert mlms("models", "--", "--json").stderr.startswith("there is no model")


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, False),
    ],
)
def test_colour_only_on_a_terminal_or_where_it_is_forced(written, environment, coloured):
    plain = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    for arguments in (["show", written], ["show", "eld-m"]):
        done = mlms(*arguments, env={**plain, "TERM": "xterm", **environment})
        assert done.returncode == 0, done.stderr
        assert ("\x1b[" in done.stdout) == coloured


def test_an_interruption_is_130(put_in):
    put_in(failing(KeyboardInterrupt()))
    done = invoke("show")
    assert done.exit_code == 130
    assert "interrupted" in done.stderr


def test_an_interrupted_process_ends_without_traceback(tmp_path):
    fifo = tmp_path / "record.json"
    os.mkfifo(fifo)
    # A shell's background job ignores interrupts, and so would what it starts.
    process = subprocess.Popen(
        [SCRIPT, "show", fifo],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # no other thread runs
    )
    with process, fifo.open("w"):  # opens when the command opens it too, which then waits for something to read
        process.send_signal(signal.SIGINT)
        try:
            stderr = process.communicate(timeout=30)[1]
        finally:
            process.kill()
    assert process.returncode == 130
    assert stderr.strip() == "interrupted"


def test_a_closed_pipe_is_no_error():
    done = subprocess.run(["bash", "-c", f"'{SCRIPT}' schema record | head -c 1"], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("{", "")


def test_a_pipe_that_closes_at_once(written):
    process = subprocess.Popen([SCRIPT, "show", written, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait(30)


@pytest.mark.parametrize("kind", CURRENT)
def test_schemas_are_printed(kind):
    done = invoke("schema", kind)
    assert done.exit_code == 0
    assert json.loads(done.stdout) == schema(kind)


def test_show_a_record(written):
    done = mlms("show", written)
    assert done.returncode == 0
    assert "CONFIRMED  eld-m, python" in done.stdout
    assert done.stdout.endswith("\n2 confirmed\n")
    assert "\x1b" not in done.stdout


def test_show_as_markdown_and_json(written):
    assert invoke("show", str(written), "--format", "markdown").stdout.startswith("**2 confirmed**")
    for how in (["--json"], ["--format", "json"]):
        assert json.loads(invoke("show", str(written), *how).stdout)["counts"]["confirmed"] == 2


def test_show_a_record_of_nothing(record, tmp_path):
    record["mlms"]["cases"] = []
    write(record, tmp_path / "empty.json")
    assert invoke("show", str(tmp_path / "empty.json")).output == "no cases\n"


def test_show_fills_the_terminal(written):
    done = mlms("show", written, env={**os.environ, "COLUMNS": "160"})
    assert done.stdout.splitlines()[0].split()[0] == "claim"


def test_show_on_a_terminal_without_unicode(written):
    done = mlms("show", written, env={**os.environ, "COLUMNS": "160", "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty"),
        ('{"mlms": {', "is not valid JSON"),
        ("{}", "is not a record of claims"),
        ('{"mlms": {"schema_version": 99}}', "of another version"),
    ],
)
def test_show_a_broken_record(tmp_path, content, told):
    (tmp_path / "broken.json").write_text(content)
    done = mlms("show", "broken.json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: broken.json")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_claims_of_a_file_and_of_a_folder(tmp_path):
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "tiny.yml").write_text(CLAIM)
    (tmp_path / "claims" / "known.yml").write_text("schema: known/1\nknown: []\n")
    for paths in ([], ["claims"], ["claims/tiny.yml"], ["claims", "claims/tiny.yml"]):
        done = mlms("claims", "--json", *paths, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        (row,) = json.loads(done.stdout)
        assert (row["id"], row["published"], row["dataset"]) == ("tiny-accuracy", "91.5 %", "tiny-data/test")
        assert row["file"] == "claims/tiny.yml:1"


def test_claims_as_a_table(tmp_path):
    (tmp_path / "tiny.yml").write_text(CLAIM)
    done = mlms("claims", "tiny.yml", cwd=tmp_path)
    assert "tiny-accuracy" in done.stdout
    assert "A paper, Table 1" in done.stdout


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (CLAIM.replace("metric:", "metrc:"), 'unknown key "metrc"'),
        (CLAIM.replace("accuracy", "acuracy"), 'did you mean "accuracy"?'),
        ("schema: [claim/1", "not valid YAML"),
    ],
)
def test_a_broken_claim_is_told_with_its_line(tmp_path, content, told):
    (tmp_path / "tiny.yml").write_text(content)
    done = mlms("claims", "tiny.yml", cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert done.stderr.startswith("error: tiny.yml:")
    assert told in done.stderr


def test_no_claims_at_all(tmp_path):
    (tmp_path / "claims").mkdir()
    assert "no file holds claims" in mlms("claims", cwd=tmp_path).stderr
    assert "no such file or folder" in mlms("claims", "nowhere.yml", cwd=tmp_path).stderr


def test_a_claim_may_be_looked_for_by_words_and_in_places(tmp_path):
    (tmp_path / "tiny.yml").write_text(CLAIM)
    for arguments in (["paper", "tiny.yml"], ["tiny.yml", "tiny", "ACCURACY"], ["tiny.yml", "--metric", "accuracy"]):
        done = mlms("claims", "--json", *arguments, cwd=tmp_path)
        assert [row["id"] for row in json.loads(done.stdout)] == ["tiny-accuracy"], done.stderr
    done = mlms("claims", "tiny.yml", "elsewhere", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'there is no claim with the words "elsewhere"; `mlms claims` lists all\n'


def test_frameworks_are_those_of_the_registry():
    done = invoke("frameworks", "--json")
    assert done.exit_code == 0, done.output
    assert [row["name"] for row in json.loads(done.stdout)] == list(names("frameworks"))


@pytest.mark.parametrize("what", ["models", "datasets"])
def test_bundled_manifests_are_listed_anywhere(tmp_path, what):
    done = mlms(what, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)
    assert rows
    first = rows[0]["name"]
    assert first in mlms(what, cwd=tmp_path).stdout


@pytest.mark.parametrize("what", ["models", "datasets"])
def test_a_folder_of_manifests_that_is_not_there(what):
    done = invoke(what, "--manifests", "nowhere")
    assert done.exit_code == 2
    assert "nowhere: there is no such f" in done.stderr


def test_a_broken_manifest_is_told_with_its_file(tmp_path):
    (tmp_path / "manifests" / "models").mkdir(parents=True)
    (tmp_path / "manifests" / "models" / "mine.yml").write_text("schema: model/1\nnam: mine\n")
    done = mlms("models", cwd=tmp_path)
    assert done.returncode == 2
    assert "manifests/models/mine.yml:2" in done.stderr

"""An old Python is told what is needed, or hands over to a newer one."""

import ast
import sys
from pathlib import Path

import interpreter
import pytest

SCRIPTS = Path(interpreter.__file__).parent


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A folder that is all of PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(file, text):
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize("name", ["verify", "test", "interpreter.py"])
def test_what_an_old_python_reads_is_in_old_syntax(name):
    ast.parse((SCRIPTS / name).read_text(), feature_version=(3, 4))


def test_a_new_python_goes_on(path):
    assert interpreter.hand_over("verify") is None


def test_a_newer_python_is_found_by_name(path):
    newer = program(path / "python3.12", f'exec "{sys.executable}" "$@"')

    assert interpreter.find(interpreter.NAMES) == str(newer)


def test_a_stand_in_for_a_python_that_is_not_installed_is_passed_over(path):
    program(path / "python3.13", "echo python3.13: command not found >&2; exit 127")
    newer = program(path / "python3.11", f'exec "{sys.executable}" "$@"')

    assert interpreter.find(interpreter.NAMES) == str(newer)


def test_an_old_python_hands_over_with_the_arguments(path, monkeypatch):
    program(path / "python3.11", f'case "$1" in -c) exit 0;; *) echo "$@" > {path}/told;; esac')
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(sys, "argv", ["verify", "-k", "eld"])

    with pytest.raises(SystemExit) as ended:
        interpreter.hand_over("/checkout/scripts/verify")

    assert ended.value.code == 0
    assert (path / "told").read_text() == "/checkout/scripts/verify -k eld\n"


def test_without_a_newer_python_the_message_says_what_is_needed(path, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))

    with pytest.raises(SystemExit) as ended:
        interpreter.hand_over("verify")

    message = str(ended.value.code)
    assert message.startswith("needs Python 3.11 or later, found ")
    assert "looked for python3.11 to python3.14" in message
    assert "try: " in message

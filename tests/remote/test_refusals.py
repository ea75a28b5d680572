"""Whatever keeps a machine from being used is one message that says what to do."""

import subprocess
import sys

import pytest

from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, RemoteError
from pytest_mlmodelscope.remote.machine import Remote


def refusal(address, error=RemoteError):
    """The message with which a machine cannot be used; it is the same when it is asked again."""
    machine = Remote(address)
    with pytest.raises(error) as refused:
        _ = machine.pythons
    with pytest.raises(error) as again:
        _ = machine.pythons
    machine.close()
    assert str(again.value) == str(refused.value)
    return str(refused.value)


def test_a_machine_whose_key_is_not_known_is_not_trusted(stranger):
    stranger.forget()
    said = refusal(stranger.address)
    assert f"{stranger.address} has a host key that is not known here" in said
    assert f"log in once by hand and compare the key: ssh {stranger.address}" in said
    stranger.know()


def test_a_machine_with_another_key_than_before_is_not_trusted(stranger):
    stranger.mistake()
    said = refusal(stranger.address)
    assert "shows another host key than the one that is known" in said
    assert "ssh-keygen -R" in said
    stranger.know()


def test_a_login_that_is_refused_is_told_apart(stranger):
    keys = stranger.lock_out()
    said = refusal(stranger.address)
    assert f"{stranger.address} refuses the login" in said
    assert "Permission denied (publickey)" in said
    assert f"ssh -o BatchMode=yes {stranger.address} true" in said
    stranger.let_in(keys)


def test_a_machine_without_python_is_told_what_it_needs(stranger):
    said = refusal(stranger.address, EnvironmentUnavailable)
    assert f"{stranger.address} has no Python" in said
    assert "install python3 there" in said


def test_a_python_that_is_too_old_or_broken_is_none(stranger):
    for name, body in {"python3": "echo 3.5.2", "python3.4": "exit 1", "python3.9": "echo nonsense"}.items():
        program = stranger.programs / name
        program.write_text(f"#!{sys.executable}\n" if body is None else f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    assert "has no Python" in refusal(stranger.address, EnvironmentUnavailable)
    for name in ("python3", "python3.4", "python3.9"):
        (stranger.programs / name).unlink()


def test_a_machine_where_nobody_answers_is_told_with_the_reason(stranger):
    said = refusal("ssh://127.0.0.1:9")
    assert "ssh://127.0.0.1:9 cannot be reached" in said
    assert "Connection refused" in said


def test_a_name_that_nobody_knows_is_told(stranger):
    assert "Could not resolve hostname no-such-machine.invalid" in refusal("ssh://no-such-machine.invalid")


def test_without_a_client_nothing_is_reached(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    said = refusal("ssh://lab")
    assert "there is no ssh client here" in said
    assert "install OpenSSH's client" in said


def test_a_machine_that_cannot_be_reached_is_an_error_of_each_case_and_no_traceback(stranger):
    command = [sys.executable, "-m", "pytest", "--mlms", "claims/fashion-cnn.yml", "-q", "-p", "no:cacheprovider"]
    chosen = ["--mlms-target", "ssh://127.0.0.1:9", "--mlms-framework", "onnxruntime", "-k", "accuracy or parameters"]
    done = subprocess.run([*command, *chosen], capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    assert "2 error" in done.stdout
    assert "ssh://127.0.0.1:9 cannot be reached" in done.stdout
    assert "Traceback" not in done.stdout

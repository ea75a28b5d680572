"""When an environment is made, brought up to date, or left alone."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import bootstrap
import pytest
from installers import Setup, StepFailed


class Recorder:
    """An installer that only notes what it is asked, and can be told to fail."""

    def __init__(self):
        self.asked = []
        self.fails = False

    def install(self, *what):
        self.asked.append(tuple(str(getattr(word, "name", word)) for word in what))

    def build(self, folder):
        if self.fails:
            raise StepFailed("uv build (exit status 2)", ["one", "no such backend"])
        folder.mkdir()
        (folder / "small-1-py3-none-any.whl").touch()


@pytest.fixture
def recorder(monkeypatch):
    """The only way to make an environment; a real Python stands in it."""
    recorder = Recorder()

    def by_recorder(setup):
        """By writing down what is asked."""
        setup.python.parent.mkdir(parents=True)
        setup.python.symlink_to(sys.executable)
        (setup.venv / "pyvenv.cfg").touch()
        return recorder

    monkeypatch.setattr(bootstrap, "WAYS", (by_recorder,))
    monkeypatch.setattr(bootstrap, "Uv", lambda setup, command: recorder)
    return recorder


def test_the_first_run_installs_uv_then_the_wheel(root, recorder, capsys):
    bootstrap.ensure(root=root)

    assert recorder.asked == [("uv",), ("small-1-py3-none-any.whl",)]
    assert "made .venv. By writing down what is asked." in capsys.readouterr().err


def test_a_second_run_does_nothing(root, recorder, capsys):
    bootstrap.ensure(root=root)
    capsys.readouterr()

    bootstrap.ensure(root=root)

    assert len(recorder.asked) == 2
    assert capsys.readouterr().err == ""


def test_the_tests_add_the_development_tools_and_a_later_run_keeps_them(root, recorder):
    bootstrap.ensure(root=root)
    bootstrap.ensure(groups=["dev"], root=root)
    bootstrap.ensure(root=root)

    assert recorder.asked[2:] == [("small-1-py3-none-any.whl", "one>=1", "two")]


@pytest.mark.parametrize("name", ["small/__init__.py", "claims/eld.yml", "constraints.txt", "README.md"])
def test_a_change_of_what_is_in_the_wheel_builds_it_again(root, recorder, name):
    bootstrap.ensure(root=root)
    (root / name).write_text("# changed\n")

    bootstrap.ensure(root=root)

    assert recorder.asked[2:] == [("small-1-py3-none-any.whl",)]


def test_a_file_that_is_added_or_renamed_is_a_change(root):
    setup = Setup(root, sys.executable)
    digests = [bootstrap.inputs(setup)]
    (root / "small" / "a.py").touch()
    digests.append(bootstrap.inputs(setup))
    (root / "small" / "a.py").rename(root / "small" / "b.py")
    digests.append(bootstrap.inputs(setup))

    assert len(set(digests)) == 3


@pytest.mark.parametrize("name", ["tests/test_small.py", "small/__pycache__/a.pyc", "notes.txt"])
def test_a_change_of_anything_else_is_none(root, name):
    setup = Setup(root, sys.executable)
    before = bootstrap.inputs(setup)
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("changed")

    assert bootstrap.inputs(setup) == before


def test_an_environment_whose_python_is_gone_is_made_anew(root, recorder):
    setup = bootstrap.ensure(root=root)
    setup.python.unlink()

    bootstrap.ensure(root=root)

    assert recorder.asked[2:] == [("uv",), ("small-1-py3-none-any.whl",)]


def test_a_failure_shows_the_last_lines_and_what_to_do_and_is_tried_again(root, recorder):
    recorder.fails = True
    with pytest.raises(SystemExit) as ended:
        bootstrap.ensure(root=root)
    recorder.fails = False
    bootstrap.ensure(root=root)

    message = str(ended.value.code)
    assert "set-up failed: uv build (exit status 2)\n  | one\n  | no such backend" in message
    assert "try: " in message
    assert recorder.asked[-1] == ("small-1-py3-none-any.whl",)


def test_without_any_way_each_reason_and_a_command_to_type_are_told(root, monkeypatch, bare_python, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SystemExit) as ended:
        bootstrap.ensure(root=root, python=bare_python)

    message = str(ended.value.code)
    for way in ("by_uv", "by_ensurepip", "by_host_pip", "by_debian_wheel"):
        assert f"  {way}: " in message
    assert "apt-get install python3-venv" in message


def test_uv_is_told_what_pip_is_configured_with(root, tmp_path):
    python = tmp_path / "python3"
    python.write_text(
        "#!/bin/sh\n"
        "cat <<'END'\n"
        "global.find-links='/wheels /more'\n"
        "global.index-url='https://packages.example/simple'\n"
        ":env:.timeout='180'\n"
        "END\n"
    )
    python.chmod(0o755)

    found = bootstrap.settings(Setup(root, str(python)), Recorder())

    assert found == {"UV_FIND_LINKS": "/wheels,/more", "UV_DEFAULT_INDEX": "https://packages.example/simple"}


def test_without_pip_its_variables_are_read(root, monkeypatch, bare_python):
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.delenv("PIP_CERT", raising=False)

    assert bootstrap.settings(Setup(root, bare_python), Recorder()) == {"UV_FIND_LINKS": "/wheels"}


def test_two_runs_set_up_one_after_the_other(root):
    code = "import sys, bootstrap, pathlib; bootstrap.WAYS = (); bootstrap.ensure(root=pathlib.Path(sys.argv[1]))"
    environ = {**os.environ, "PYTHONPATH": str(Path(bootstrap.__file__).parent)}
    folder = os.open(root, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)

    with subprocess.Popen(
        [sys.executable, "-c", code, str(root)], env=environ, stderr=subprocess.PIPE, text=True
    ) as other:
        waiting = other.stderr.readline()
        os.close(folder)
        rest = other.stderr.read()

    assert "waiting: another run is setting up .venv" in waiting
    assert "no way to make an environment worked here" in rest


def test_every_linter_runs_and_each_that_fails_is_named(root, recorder, capfd):
    setup = bootstrap.ensure(root=root)
    for name, status in {"ruff": 1, "mypy": 0, "lint-imports": 2}.items():
        tool = setup.venv / "bin" / name
        tool.write_text(f"#!/bin/sh\necho {name} ran\nexit {status}\n")
        tool.chmod(0o755)

    with pytest.raises(SystemExit, match=r"failed: ruff check, lint-imports"):
        bootstrap.check(setup, (("ruff", "check"), ("mypy",), ("lint-imports",)))

    assert capfd.readouterr().out.splitlines() == ["ruff ran", "mypy ran", "lint-imports ran"]


def test_the_stamp_holds_no_more_than_it_needs(root, recorder):
    setup = bootstrap.ensure(groups=["dev"], root=root)

    stamp = json.loads((setup.venv / "stamp.json").read_text())

    assert stamp.keys() == {"inputs", "groups", "settings"}
    assert stamp["groups"] == ["dev"]

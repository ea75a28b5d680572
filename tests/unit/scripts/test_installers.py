"""How an environment comes about on machines that have more or less."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from installers import Pip, Setup, StepFailed, Uv, by_debian_wheel, by_ensurepip, by_host_pip, by_uv

UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def setup(root, bare_python):
    """The set-up of a small project with a Python that has neither ensurepip nor pip."""
    return Setup(root, bare_python)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A folder that is all of PATH but for the programs that every system has."""
    folder = tmp_path / "path"
    folder.mkdir()
    for name in ("sh", "mkdir", "cat", "touch"):
        (folder / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(file, text):
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def test_uv_makes_an_environment_for_a_bare_python(setup, path, bare_python):
    (path / "uv").symlink_to(UV)

    installer = by_uv(setup)

    assert isinstance(installer, Uv)
    asked = [setup.python, "-c", "import sys; print(sys.prefix, sys.base_prefix)"]
    prefix, base = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()
    assert Path(prefix) == setup.venv
    assert Path(base) == Path(bare_python).parents[1]


def test_a_bare_machine_says_what_each_way_lacks(setup, path):
    lacks = {}
    for way in (by_uv, by_ensurepip, by_host_pip, by_debian_wheel):
        with pytest.raises(StepFailed) as failure:
            way(setup)
        lacks[way] = "\n".join([failure.value.what, *failure.value.tail])

    assert "uv is not on PATH" in lacks[by_uv]
    assert "No module named 'ensurepip'" in lacks[by_ensurepip]
    assert "No module named pip" in lacks[by_host_pip]
    assert "not Debian" in lacks[by_debian_wheel]
    assert not setup.venv.exists()


def test_debian_gives_pip_without_root_when_it_has_no_package_lists(setup, path):
    # apt-get as it behaves on an image whose package lists were deleted.
    program(
        path / "apt-get",
        f"""echo "$@" >> {path}/asked
case "$*" in
  *Lists=*update) touch {path}/lists ;;
  *download*) [ -e {path}/lists ] || {{ echo "E: Unable to locate package" >&2; exit 100; }}
    touch python3-pip-whl_23.0.1_all.deb ;;
esac""",
    )
    program(path / "dpkg-deb", 'mkdir -p "$3/usr/share/python-wheels" && touch "$3/usr/share/python-wheels/pip-23.whl"')

    installer = by_debian_wheel(setup)

    assert isinstance(installer, Pip)
    assert installer.command == (
        setup.python,
        setup.venv / "debian" / "usr" / "share" / "python-wheels" / "pip-23.whl" / "pip",
    )
    first, update, second = (path / "asked").read_text().splitlines()
    assert first == "download python3-pip-whl"
    assert f"Dir::State::Lists={setup.venv}" in update
    assert f"Dir::State::Lists={setup.venv}" in second
    assert setup.works()


def test_what_is_started_sees_this_environment_only(setup, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("VIRTUAL_ENV", "/elsewhere")
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)
    setup.settings = {"UV_FIND_LINKS": "/wheels"}

    environ = setup.environ()

    assert "PYTHONPATH" not in environ
    assert environ["VIRTUAL_ENV"] == str(setup.venv)
    assert environ["PATH"].startswith(f"{setup.venv}/bin:")
    assert environ["UV_FIND_LINKS"] == "/wheels"


def test_compiled_modules_are_kept_out_of_the_way_of_who_wants_none(setup, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    setup.python.parent.mkdir(parents=True)
    setup.python.touch()

    environ = setup.environ()

    assert "PYTHONDONTWRITEBYTECODE" not in environ
    assert environ["PYTHONPYCACHEPREFIX"] == str(setup.venv / "bytecode")


def test_what_a_person_set_goes_before_the_settings_of_pip(setup, monkeypatch):
    monkeypatch.setenv("UV_FIND_LINKS", "/mine")
    setup.settings = {"UV_FIND_LINKS": "/wheels"}

    assert setup.environ()["UV_FIND_LINKS"] == "/mine"


def test_a_failure_keeps_the_last_lines(setup):
    with pytest.raises(StepFailed, match=r"exit status 3") as failure:
        setup.run(["sh", "-c", "for n in $(seq 30); do echo $n; done; exit 3"])

    assert failure.value.tail == tuple(str(n) for n in range(16, 31))


def test_only_an_environment_is_ever_removed(setup):
    setup.venv.mkdir()
    (setup.venv / "letters").touch()

    with pytest.raises(StepFailed, match="not a Python environment"):
        setup.clear()

    assert (setup.venv / "letters").exists()


def test_an_environment_whose_python_is_gone_does_not_work(setup):
    (setup.venv / "bin").mkdir(parents=True)
    setup.python.symlink_to("/nowhere/python3")

    assert not setup.works()


def test_dependency_groups_come_from_the_project(setup):
    assert setup.requirements(["dev", "build"]) == ["one>=1", "two", "three"]

"""Where interpreters are looked for, and what is said where there is none."""

import os
import sys

import pytest

from pytest_mlmodelscope.agent import interpreters
from pytest_mlmodelscope.agent.interpreters import downloadable, fitting, how_to_get


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A machine without interpreters but the one that runs this; makes some: ``elsewhere(place, version)``."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    monkeypatch.setattr(interpreters, "_OF_SYSTEMS", (tmp_path / "system",))

    def make(place, version):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho asked >> {tmp_path / 'asked'}\necho {version}\n")
        path.chmod(0o755)
        return path

    return make


def paths(specifier):
    return [found.path for found in fitting(specifier)]


def test_the_hosts_interpreter_comes_first_where_it_fits():
    assert str(next(fitting(">=3.11")).path) == sys.executable
    assert all(str(found.version).startswith("3.") for found in fitting(">=3.6"))
    assert list(fitting(">=4")) == []


def test_all_the_usual_places_are_looked_at_and_the_newest_comes_first(elsewhere):
    places = {
        "3.6.15": "pyenv/versions/3.6.15/bin/python",
        "3.7.9": "system/python3.7",
        "3.8.20": "uv/cpython-3.8.20-linux-x86_64-gnu/bin/python",
        "3.9.1": "bin/python3.9",
    }
    made = {version: elsewhere(place, version) for version, place in places.items()}
    assert paths("<3.10") == [made[version] for version in ("3.9.1", "3.8.20", "3.7.9", "3.6.15")]
    assert paths(">=3.6,<3.7") == [made["3.6.15"]]


def test_shims_and_what_does_not_run_are_no_interpreters(elsewhere, tmp_path, monkeypatch):
    elsewhere("shims/python3.6", "3.6.15")
    elsewhere("bin/python3.7", "command not found")
    elsewhere("bin/python3.8", "3.8.1").chmod(0o644)
    elsewhere("bin/python3.9-config", "3.9.1")
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "shims"), str(tmp_path / "bin")]))
    assert paths("<3.10") == []


def test_an_interpreter_is_asked_for_its_version_once(elsewhere, tmp_path):
    elsewhere("bin/python3.8", "3.8.1")
    assert paths("<3.9") == paths("<3.9") != []
    assert (tmp_path / "asked").read_text() == "asked\n"


def test_two_names_of_one_interpreter_are_one(elsewhere, tmp_path):
    path = elsewhere("bin/python3.8", "3.8.1")
    (tmp_path / "system").mkdir()
    (tmp_path / "system" / "python3.8").symlink_to(path)
    assert paths("<3.9") == [path]


def test_uv_knows_which_versions_it_can_fetch():
    minors = {(version.major, version.minor) for version in downloadable()}
    assert {(3, 9), (3, 12)} <= minors
    assert (3, 6) not in minors


@pytest.mark.parametrize(
    ("wanted", "command"),
    [
        (">=3.10,<3.13", "uv python install 3.12"),
        (">=3.8,<3.9", "uv python install 3.8"),
        (">=3.7,<3.8", "pyenv install 3.7"),
        ("==3.6.*", "pyenv install 3.6"),
        (">=4", "put a Python >=4 on PATH"),
    ],
)
def test_how_to_get_an_interpreter_is_something_that_works(wanted, command):
    assert how_to_get(wanted).startswith(command)


def test_without_uv_its_downloads_are_not_offered(monkeypatch):
    monkeypatch.setattr(interpreters, "find_uv", lambda: None)
    downloadable.cache_clear()
    assert "uv python" not in how_to_get(">=3.10,<3.13")
    downloadable.cache_clear()


def test_a_folder_of_the_path_that_cannot_be_looked_at_hides_no_other(elsewhere, tmp_path, monkeypatch):
    made = elsewhere("bin/python3.9", "3.9.1")
    # As another user's folder, which root could look at all the same.
    places = ["x" * 5000, str(made), str(tmp_path / "bin")]
    monkeypatch.setenv("PATH", os.pathsep.join(places))
    monkeypatch.setenv("PYENV_ROOT", "x" * 5000)
    assert paths("<3.10") == [made]

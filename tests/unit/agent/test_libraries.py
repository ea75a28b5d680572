"""System libraries that a worker finds without their being installed: real ones, from Debian's packages."""

import ctypes
import os
import shutil
import subprocess
import sys

import pytest

from pytest_mlmodelscope.agent.install import InstallError, interpreter
from pytest_mlmodelscope.agent.libraries import program_path, provide, search_path
from pytest_mlmodelscope.agent.wish import Wish
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable
from pytest_mlmodelscope.core.framework import Libraries

from .conftest import spec

#: Small, needed by nothing, and needing another package: Open MPI's network cards are not wanted here.
PACKAGE, NAME, ALIAS = "libmunge2", "libmunge.so.2", "libmunge-as-a-framework-knows-it.so.1"


def test_a_library_and_its_other_name_are_found_by_the_worker(built, wheels):
    libraries = Libraries({NAME: PACKAGE}, {ALIAS: NAME})
    wish = Wish("python", spec("tiny-model", libraries=libraries))
    folder = built.obtain(wish)
    variables = built.about(wish.key)["variables"]
    code = f"import ctypes; [ctypes.CDLL(name).munge_strerror for name in ({NAME!r}, {ALIAS!r})]"
    command = [interpreter(folder), "-I", "-c", code]
    assert subprocess.run(command, env={**os.environ, **variables}).returncode == 0
    with pytest.raises(OSError, match=ALIAS):
        ctypes.CDLL(ALIAS)
    assert not [line for line in built.said if "cannot" in line]


def here(folder):
    """A folder that passes for an environment: it has this Python."""
    python = interpreter(folder)
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    return folder


def test_what_the_system_has_is_not_fetched(tmp_path):
    provide(Libraries({"libc.so.6": "no-such-package"}), here(tmp_path), print)
    assert list(search_path(tmp_path)) == []


def test_what_was_there_on_the_search_path_stays_there_behind_it(built, wheels, monkeypatch):
    monkeypatch.setenv("LD_LIBRARY_PATH", "/of/the/user")
    libraries = Libraries(links={"libtiny.so.1": "tiny_model.py"})
    wish = Wish("python", spec("tiny-model", libraries=libraries))
    folder = built.obtain(wish)
    assert built.about(wish.key)["variables"] == {"LD_LIBRARY_PATH": f"{folder}/libraries:/of/the/user"}
    assert (folder / "libraries/libtiny.so.1").read_text() == "VERSION = '2.0'\n"


def test_an_environment_without_libraries_says_nothing_of_them(built, wheels):
    wish = Wish("python", spec("tiny-model", variables={"ONE": "1"}))
    assert list(search_path(built.obtain(wish))) == []
    assert built.about(wish.key)["variables"] == {"ONE": "1"}


def test_a_link_to_nothing_and_a_package_that_is_none_are_refused(tmp_path):
    with pytest.raises(InstallError, match=r"there is no libnone\.so in the environment for libany\.so\.1"):
        provide(Libraries(links={"libany.so.1": "libnone.so"}), tmp_path, print)
    with pytest.raises(InstallError, match="cannot be fetched offline"):
        provide(Libraries({NAME: PACKAGE}), here(tmp_path), print, offline=True)


def test_where_there_is_no_debian_that_is_said(built, wheels, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentUnavailable) as refused:
        built.obtain(Wish("python", spec("tiny-model", libraries=Libraries({NAME: PACKAGE}))))
    assert "apt-get is not here" in refused.value.got
    assert "run on Debian" in refused.value.got


# -- programs ---------------------------------------------------------------------------------------

#: Small, in no system that is not asked for it, and needing nothing.
TOOL, TOOL_PACKAGE = "hello", "hello"


def test_a_program_is_found_by_the_worker_and_by_nobody_else(built, wheels):
    wish = Wish("python", spec("tiny-model", libraries=Libraries(programs={TOOL: TOOL_PACKAGE})))
    folder = built.obtain(wish)
    variables = built.about(wish.key)["variables"]
    assert variables["PATH"] == f"{folder}/unpacked/usr/bin:{os.environ['PATH']}"
    found = subprocess.run([TOOL], env=variables, capture_output=True, text=True)
    assert found.stdout == "Hello, world!\n"
    assert shutil.which(TOOL) is None


def test_a_program_that_the_system_has_is_not_fetched(tmp_path):
    provide(Libraries(programs={"sh": "no-such-package"}), here(tmp_path), print)
    assert list(program_path(tmp_path)) == []


# -- preparation ------------------------------------------------------------------------------------


def test_an_environment_is_prepared_once_with_its_variables(built, wheels):
    line = "import os, tiny_model; open(os.environ['MADE'], 'a').write(tiny_model.VERSION)"
    wish = Wish("python", spec("tiny-model", prepare=(line,), variables={"MADE": "{environment}/made"}))
    folder = built.obtain(wish)
    assert built.obtain(wish) == folder
    assert (folder / "made").read_text() == "2.0"
    assert built.about(wish.key)["variables"] == {"MADE": f"{folder}/made"}


def test_an_environment_that_cannot_be_prepared_is_none(built, wheels):
    wish = Wish("python", spec("tiny-model", prepare=("raise OSError('no such compiler')",)))
    with pytest.raises(EnvironmentUnavailable) as refused:
        built.obtain(wish)
    assert "cannot be prepared with `raise OSError('no such compiler')`" in refused.value.got
    assert "OSError: no such compiler" in refused.value.got
    assert not built.complete(wish.key)


def test_programs_and_preparation_make_another_environment_and_nothing_else_does(wheels):
    plain = spec("tiny-model")
    keys = {Wish("python", one).key for one in (plain, spec("tiny-model", libraries=Libraries(programs={})))}
    assert len(keys) == 1
    others = (spec("tiny-model", prepare=("pass",)), spec("tiny-model", libraries=Libraries(programs={"a": "a"})))
    assert len(keys | {Wish("python", one).key for one in others}) == 3

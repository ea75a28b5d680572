"""Machines that are emulated: how one is made of Debian's packages, and what is said where it cannot be."""

import os

import pytest

from pytest_mlmodelscope.agent import root
from pytest_mlmodelscope.agent.built import BuiltEnvironments
from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.agent.wish import Wish
from pytest_mlmodelscope.core import debian
from pytest_mlmodelscope.core.emulated import PROCESSORS
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, NotApplicable
from pytest_mlmodelscope.core.framework import HERE, Place, framework_spec
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.core.registry import names

from .conftest import spec

ARM, POWER = PROCESSORS


def wish(platform=ARM, **changes):
    return Wish("python", spec(emulated=True, platforms=(ARM, POWER), **changes), platform=platform)


def refused(built, asked):
    """What is said of a machine that cannot be made; nothing of it may be left."""
    with pytest.raises(EnvironmentUnavailable, match="cannot be built") as error:
        built.obtain(asked)
    assert not built.folder(asked.key).exists()
    return f"{error.value.got} {error.value.hint}"


def test_offline_nothing_is_fetched_and_that_is_said(tmp_path):
    said = refused(BuiltEnvironments(tmp_path, True, print), wish())
    assert "arm64 cannot be fetched offline" in said
    assert "without the offline switch" in said


def test_where_there_is_no_debian_that_is_said(built, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt-get is not here" in refused(built, wish())


def test_where_no_package_source_is_debians_that_is_said(built, monkeypatch):
    monkeypatch.setattr(debian, "mirror", lambda: None)
    monkeypatch.setattr("pytest_mlmodelscope.manifest.sources.debian.mirror", lambda: None)
    assert "no package source is Debian's" in refused(built, wish())


def test_a_package_that_debian_has_not_is_named(built):
    assert "does not offer python3.11" in refused(built, wish(debian=("python3-no-such-framework",)))


def test_each_machine_has_a_folder_of_its_own():
    keys = [wish().key, wish(POWER).key, wish(debian=("python3-opencv",)).key, Wish("python", spec()).key]
    assert len(set(keys)) == len(keys)
    assert "aarch64" in keys[0]
    assert "ppc64le" in keys[1]


def test_links_lead_nowhere_but_into_the_root_and_a_library_is_chosen(tmp_path):
    libraries = tmp_path / "usr/lib/powerpc64le-linux-gnu"
    (libraries / "blas").mkdir(parents=True)
    (libraries / "blas/libblas.so.3").write_text("BLAS")
    (tmp_path / "lib64").mkdir()
    (tmp_path / "lib64/ld.so").symlink_to("/usr/lib/powerpc64le-linux-gnu/blas/libblas.so.3")
    root._mend(tmp_path, PROCESSORS[POWER])
    assert (tmp_path / "lib64/ld.so").read_text() == "BLAS"
    assert not (tmp_path / "lib64/ld.so").readlink().is_absolute()
    assert (libraries / "libblas.so.3").read_text() == "BLAS"
    told = (tmp_path / "proc/cpuinfo").read_text()
    assert told.count("POWER9") == told.count("processor") == os.cpu_count()


def test_modules_are_compiled_and_never_looked_at_again(tmp_path):
    modules = tmp_path / "root/usr/lib/python3.11"
    modules.mkdir(parents=True)
    (modules / "one.py").write_text("ONE = 1\n")
    (modules / "broken.py").write_text("no python\n")
    root.compile_modules(tmp_path, ARM, {})
    (compiled,) = modules.glob("__pycache__/one.*.pyc")
    assert compiled.read_bytes()[4:8] == b"\1\0\0\0", "by hash, and unchecked"


@pytest.mark.parametrize("name", names("frameworks"))
def test_a_framework_is_emulated_only_where_its_file_says_so(name, tmp_path):
    emulated = {platform for one in framework_spec(name).environments if one.emulated for platform in one.platforms}
    for platform in {ARM, POWER} - emulated:
        with pytest.raises(NotApplicable, match=f"{name} is not had on an emulated machine") as refusal:
            Environments(tmp_path).obtain(FrameworkUse(name), place=Place("cpu", platform, "emulated"))
        assert platform in refusal.value.hint
    assert emulated <= {ARM, POWER}


def test_an_emulated_environment_never_serves_this_machine(tmp_path):
    with pytest.raises(EnvironmentUnavailable, match="no environment of opencv fits"):
        Environments(tmp_path).obtain(FrameworkUse("opencv"), "==4.6.0", HERE)

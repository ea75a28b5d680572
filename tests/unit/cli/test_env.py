"""``mlms env`` as a user sees it, over environments that are really built."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.agent import environment
from pytest_mlmodelscope.agent.built import BuiltEnvironments
from pytest_mlmodelscope.agent.install import interpreter
from pytest_mlmodelscope.agent.wish import Wish
from pytest_mlmodelscope.cli import env as command
from pytest_mlmodelscope.cli.env import env
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.core.framework import HERE, EnvironmentSpec, FrameworkSpec, framework_spec
from pytest_mlmodelscope.core.registry import names


@pytest.fixture
def call(monkeypatch, tmp_path):
    """The command, over a cache of this test."""
    monkeypatch.setenv("MLMS_CACHE", str(tmp_path))
    return lambda *arguments: CliRunner().invoke(env, arguments)


@pytest.fixture
def built(tmp_path):
    return BuiltEnvironments(tmp_path, False, lambda text: None)


@pytest.fixture
def key(built):
    """One environment with nothing in it but Python."""
    return built.obtain(Wish("python", EnvironmentSpec("3", ">=3.11", ()))).name


def rows(result):
    return json.loads(result.stdout)


@pytest.fixture
def others(monkeypatch, tmp_path):
    """Three frameworks instead of the real ones, each with a reason of its own."""
    real = framework_spec("python")
    entries = {
        "python": EnvironmentSpec("3", ">=3.11", ()),
        "sparc_only": EnvironmentSpec("1", ">=3.11", (), platforms=("linux-sparc64",)),
        "very_old": EnvironmentSpec("2", "==2.0.*", ()),
    }

    def spec(name):
        return FrameworkSpec(name, name, ("cpu",), {}, {}, (entries[name],), real.folder)

    for module in (environment, command):
        monkeypatch.setattr(module, "framework_spec", spec)
        monkeypatch.setattr(module, "names", lambda group: tuple(sorted(entries)))
    monkeypatch.setattr("pytest_mlmodelscope.claim.expand.names", lambda group: tuple(sorted(entries)))
    return entries


def test_the_list_tells_what_is_there_and_what_is_not(call, key):
    listed = rows(call("list", "--json"))
    told = {(row["framework"], row["source"]) for row in listed}
    assert {("onnxruntime", "host"), ("tensorflow", "not built yet")} <= told
    assert {row["framework"] for row in listed} == set(names("frameworks"))
    (mine,) = [row for row in listed if row.get("key") == key]
    assert mine["bytes"] > 0
    assert mine["seconds"] > 0
    assert mine["python_version"] == ".".join(map(str, sys.version_info[:3]))
    text = call("list").stdout
    assert f"{mine['seconds']:,.1f} s" in text
    # One of a framework's environments may be for a device of its own.
    assert re.search(r"^pytorch +[0-9.]+ +(not built yet|cannot be had here) .*for gpu", text, re.MULTILINE)
    assert key in text


def test_the_list_has_every_version_that_a_frameworks_file_has(call):
    listed = {(row["framework"], row["version"]) for row in rows(call("list", "--json")) if row["source"] != "host"}
    for name in names("frameworks"):
        versions = [entry.version for entry in framework_spec(name).environments]
        here = {version for framework, version in listed if framework == name}
        assert here >= set(versions[1:])


def test_the_list_says_what_would_change_what_cannot_be_had(call, others):
    errors = {row["framework"]: row.get("error") for row in rows(call("list", "--json"))}
    assert errors["python"] is None
    assert "has packages for linux-sparc64 only" in errors["sparc_only"]
    assert errors["very_old"].endswith("there is none here; try: put a Python ==2.0.* on PATH")
    assert "cannot be had here" in call("list").stdout


def test_the_list_shows_what_a_killed_build_left_and_it_can_be_removed(call, built):
    left = built.folder("python-3-0123456789abcdef")
    left.mkdir(parents=True)
    (left / "half").write_bytes(b"12345")
    assert {"source": "incomplete", "key": left.name, "bytes": 5} in rows(call("list", "--json"))
    assert call("verify").exit_code == 0
    assert call("verify", left.name).exit_code == 1
    assert call("remove", "--all").exit_code == 0
    assert not left.exists()


def test_a_damaged_environment_is_found_and_removed(call, key, built):
    assert call("verify").exit_code == 0
    assert call("verify", "--content").exit_code == 0
    interpreter(built.folder(key)).unlink()
    verified = call("verify", "--json")
    assert verified.exit_code == 1
    assert "does not work any more" in rows(verified)[0]["error"]
    assert call("remove", key).exit_code == 0
    assert list(built.all()) == []


def test_the_environment_of_a_framework_that_is_no_more_is_told_and_can_be_removed(call, key, built):
    mark = built.folder(key) / "mlms-environment.json"
    mark.write_text(json.dumps({**built.about(key), "framework": "gone"}))
    assert 'no framework is called "gone"' in rows(call("verify", "--json"))[0]["error"]
    assert call("remove", key).exit_code == 0


def test_removing_nothing_or_something_unknown_is_refused(call, key):
    assert "nothing to remove" in str(call("remove").exception)
    assert f'did you mean "{key}"' in str(call("remove", key[:-1]).exception)


def test_build_takes_the_host_where_it_fits(call):
    (row,) = rows(call("build", "onnxruntime>=1", "--json"))
    assert row["source"] == "host"


def test_build_goes_on_after_one_that_cannot_be_had(call, others):
    done = call("build", "very_old", "python")
    assert done.exit_code == 1
    first, second = done.stdout.splitlines()
    assert "failed" in first
    assert "wants Python ==2.0.*, and there is none here" in first
    assert "built" in second
    assert " MB" in second
    assert " s " in second


def test_without_names_what_is_not_for_this_machine_does_not_count(call, others):
    del others["very_old"]
    done = call("build", "--json")
    assert {row["framework"]: row["source"] for row in rows(done)} == {
        "python": "built",
        "sparc_only": "not applicable",
    }
    assert done.exit_code == 0
    assert call("build", "sparc_only").exit_code == 1


def test_without_names_what_could_be_had_counts(call, others):
    assert call("build").exit_code == 1


def test_without_names_what_needs_a_device_that_is_not_here_is_left_out(call, others, monkeypatch):
    def no_gpu():
        raise NotApplicable("no GPU here", hint="run it on a machine with a GPU")

    del others["very_old"], others["sparc_only"]
    monkeypatch.setattr("pytest_mlmodelscope.targets.gpu.probe", no_gpu)
    (row,) = rows(call("build", "--device", "gpu", "--json"))
    assert (row["source"], row["error"]) == ("not applicable", "no GPU here; try: run it on a machine with a GPU")
    assert rows(call("build", "python", "--device", "gpu", "--json"))[0]["source"] == "built"


def test_a_version_that_no_entry_has_is_told_with_what_there_is(call, others):
    (row,) = rows(call("build", "python==99", "--json"))
    assert row["error"] == "no environment of python fits; expected: ==99; got: 3"


def test_a_name_that_is_wrong_is_told_before_anything_is_built(call, built):
    done = call("build", "python", "pythn")
    assert 'no framework is called "pythn"' in str(done.exception)
    assert list(built.all()) == []


def test_the_command_tells_its_progress_beside_its_answer(tmp_path):
    call = [Path(sys.executable).with_name("mlms"), "env", "build", "python"]
    done = subprocess.run(call, capture_output=True, text=True, env={**os.environ, "MLMS_CACHE": str(tmp_path)})
    assert done.returncode == 0
    assert "built" in done.stdout
    assert "building the environment of python 3" in done.stderr


#: A processor that this machine is not.
EMULATED = ("opencv", "ppc", "ppc64le") if HERE.platform == "linux-aarch64" else ("onnxruntime", "arm", "aarch64")


def test_environments_of_an_emulated_processor_are_built_ahead_listed_and_looked_at():
    """Those of the user's cache: making one takes most of a minute."""

    def ask(*arguments):
        return CliRunner().invoke(env, [*arguments, "--json"])

    framework, target, arch = EMULATED
    done = ask("build", framework, "--target", target)
    assert done.exit_code == 0, done.output
    (row,) = rows(done)
    assert (row["source"], arch in row["key"], row["bytes"] > 10**8) == ("emulated", True, True)
    assert row["key"] in [listed["key"] for listed in rows(ask("list")) if listed["source"] == "emulated"]
    assert rows(ask("verify", row["key"])) == [{"key": row["key"], "verified": True}]


def test_what_is_not_emulated_says_so():
    done = CliRunner().invoke(env, ["build", "caffe", "--target", "ppc", "--json"])
    assert done.exit_code == 1
    (row,) = rows(done)
    assert row["source"] == "not applicable"
    assert "linux-ppc64le" in row["error"]

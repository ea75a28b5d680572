"""``mlms doctor``: every line, over what is really here and over machines that lack something."""

from __future__ import annotations

import json
import shutil
import threading
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner
from gpus import Gpu, install

from pytest_mlmodelscope.agent import confinement, interpreters
from pytest_mlmodelscope.agent.built import BuiltEnvironments
from pytest_mlmodelscope.agent.confinement import Held
from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.agent.wish import Wish
from pytest_mlmodelscope.cli import doctor
from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.core.framework import EnvironmentSpec
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.sources import download


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MLMS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MLMS_LOCKS", str(tmp_path / "locks"))
    return tmp_path / "cache"


@pytest.fixture
def examined(cache):
    """The findings by name, and the exit status: ``examined("--network")``."""

    def examine(*arguments):
        result = CliRunner().invoke(cli, ["doctor", "--json", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return {one["name"]: one for one in json.loads(result.stdout)}, result.exit_code

    return examine


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A search path of this test, on which programs are put: ``path("git")``."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
        return str(folder / name)

    return put


def test_what_is_here_is_found_and_told_on_one_screen(cache):
    result = CliRunner().invoke(cli, ["doctor"], env={"COLUMNS": "120"})
    held = confinement.best("best")
    assert result.exit_code == (0 if held.whole else 1), result.output
    lines = result.stdout.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "targets", "isolation", "frameworks", "extras", "programs", "timing", "places"
    ]  # fmt: skip
    assert max(map(len, lines)) <= 120
    assert len(lines) < 80
    for name in (*names("targets"), *names("frameworks"), held.mechanism):
        assert any(name in line.split() for line in lines)


def test_a_target_is_here_with_its_nature_or_not_with_what_would_get_it(examined, monkeypatch):
    install(monkeypatch, Gpu())
    found, _ = examined()
    assert (found["gpu"]["state"], found["gpu"]["get"]) == ("here", None)
    assert found["gpu"]["what"].startswith("hardware, ")
    assert "NVIDIA H200, 150.8 GB" in found["gpu"]["what"]
    assert found["cpu"]["what"].startswith("hardware, ")
    install(monkeypatch)
    assert examined()[0]["gpu"] == {
        "section": "targets", "name": "gpu", "state": "not here", "what": "no GPU here: the NVIDIA driver lists none",
        "get": "look at nvidia-smi",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("held", "state", "what", "status"),
    [
        (Held("bubblewrap", "own view", "none", "own"), "here", "models reach neither the network nor your files", 0),
        (
            Held("landlock", "own view", missing=("bubblewrap: bwrap is not installed",)),
            "amiss", "models could reach the network (bubblewrap: bwrap is not installed)", 1,
        ),
        (Held("limits", missing=("a", "b")), "amiss", "models could reach your files and the network (a; b)", 1),
    ],
)  # fmt: skip
def test_isolation_is_what_the_best_mechanism_holds(examined, monkeypatch, held, state, what, status):
    monkeypatch.setattr(confinement, "best", lambda wish: held)
    found, code = examined()
    one = found[held.mechanism]
    assert (one["state"], one["what"], code) == (state, what, status)
    assert ("bubblewrap" in one["get"]) if status else one["get"] is None


def test_a_framework_is_here_or_can_be_built_or_says_what_it_lacks(examined, cache, monkeypatch):
    BuiltEnvironments(cache, False, lambda text: None).obtain(Wish("python", EnvironmentSpec("3", ">=3.11", ())))
    entries = [
        ("caffe", EnvironmentSpec("1.0", "", ()), None),
        (
            "cntk",
            EnvironmentSpec("2.7", "", ()),
            "wants Python ==3.6.*, and there is none here; try: uv python install 3.6",
        ),
        ("jax", EnvironmentSpec("1", "", ()), "has packages for linux-sparc64 only; this is linux-x86_64"),
        ("python", EnvironmentSpec("2", "", ()), None),
        ("python", EnvironmentSpec("3", "", ()), None),
    ]
    monkeypatch.setattr(Environments, "not_built", lambda self: iter(entries))
    found, status = examined()
    told = {
        name: tuple(found[name][key] for key in ("state", "what", "get")) for name in ("caffe", "cntk", "jax", "python")
    }
    assert told == {
        "caffe": ("can be had", "1.0 can be built", "mlms env build caffe"),
        "cntk": ("not here", "wants Python ==3.6.*, and there is none here", "uv python install 3.6"),
        "jax": ("not here", "has packages for linux-sparc64 only; this is linux-x86_64", None),
        "python": ("here", "3 (built); 2 can be built", None),
    }
    assert found["onnxruntime"]["state"] == "here"
    assert "(host)" in found["onnxruntime"]["what"]
    assert status == (0 if confinement.best("best").whole else 1)


def test_without_any_framework_something_is_amiss(examined, monkeypatch):
    monkeypatch.setattr(Environments, "all", lambda self: iter(()))
    monkeypatch.setattr(Environments, "not_built", lambda self: iter(()))
    found, status = examined()
    assert (found["all"]["what"], found["all"]["state"], status) == ("no framework can be had here", "amiss", 1)
    assert found["jax"]["state"] == "not here"


def test_programs_that_are_not_here_are_told_with_what_they_are_for(examined, path, monkeypatch):
    monkeypatch.setattr(interpreters, "find_uv", lambda: None)
    found, _ = examined()
    programs = [one for one in found.values() if one["section"] == "programs"]
    assert {one["state"] for one in programs} == {"not here"}
    assert all(one["get"] and one["what"] for one in programs)
    assert found["bwrap"]["get"] == "apt-get install bubblewrap"


def test_programs_that_are_here_are_told_with_their_place_and_others_are_fetched(examined, path):
    places = {name: path(name) for name in ("apt-get", "git", "iverilog")}
    found, _ = examined()
    assert found["uv"]["state"] == "here"
    for name, place in places.items():
        assert found[name]["state"] == "here"
        assert found[name]["what"].endswith(place)
    assert (found["qemu-aarch64-static"]["state"], found["qemu-aarch64-static"]["get"]) == ("can be had", None)


def test_the_cache_is_told_with_its_size_and_what_is_free(examined, cache, tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 1_500_000)
    kept = Cache(cache)
    with kept.scratch() as scratch:
        shutil.copy(tmp_path / "file", scratch / "file")
        from pytest_mlmodelscope.manifest.digest import file_digest

        kept.keep("objects", file_digest(scratch / "file"), scratch / "file", file_digest(scratch / "file"), "here")
    found, _ = examined()
    assert found["cache"]["state"] == "here"
    assert f"{cache}: 1 files of 1.5 MB, 0 environments of 0.0 MB; " in found["cache"]["what"]
    assert found["locks"]["what"] == f"of timed cases: {tmp_path / 'locks'}"


def test_a_disk_that_is_nearly_full_is_amiss(examined, monkeypatch):
    usage = namedtuple("Usage", ["total", "used", "free"])
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda place: usage(10**12, 10**12, doctor.ROOM - 1))
    found, status = examined()
    assert (found["cache"]["state"], status) == ("amiss", 1)
    assert "2.0 GB free; that is little" in found["cache"]["what"]
    assert "mlms cache prune" in found["cache"]["get"]


def test_a_cache_or_locks_that_cannot_be_written_are_amiss(examined, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MLMS_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setenv("MLMS_LOCKS", str(tmp_path / "file" / "locks"))
    found, status = examined()
    assert "it cannot be written to" in found["cache"]["what"]
    assert (found["cache"]["get"], found["locks"]["get"]) == (
        "set MLMS_CACHE to another folder", "set MLMS_LOCKS to another folder"
    )  # fmt: skip
    assert (found["locks"]["state"], status) == ("amiss", 1)


# -- the network, only when it is asked for -----------------------------------------------------------


@pytest.fixture
def index(monkeypatch):
    """A package index on this machine; gives the paths that it was asked for, and its next statuses."""
    asked, statuses = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(statuses.pop(0) if statuses else 200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    monkeypatch.setattr(download, "PAUSE_S", 0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple/")
        yield asked, statuses
        server.shutdown()
        thread.join()


def test_the_network_is_left_alone_unless_it_is_asked_for(examined, index):
    found, _ = examined()
    assert "package index" not in found
    assert index[0] == []


def test_an_index_that_answers_is_here(examined, index):
    found, _ = examined("--network")
    assert found["package index"]["state"] == "here"
    assert found["package index"]["what"].startswith("answers after ")
    assert index[0] == ["/simple/numpy/"]


def test_an_index_that_refuses_or_is_not_there_is_amiss(examined, index, monkeypatch):
    index[1].append(403)
    found, status = examined("--network")
    assert (found["package index"]["state"], status) == ("amiss", 1)
    assert "answers 403" in found["package index"]["what"]
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    found, status = examined("--network")
    assert (found["package index"]["state"], status) == ("amiss", 1)
    assert "cannot be reached" in found["package index"]["what"]
    assert "HTTPS_PROXY" in found["package index"]["get"]


def test_extras_are_those_of_the_package_and_what_lacks_is_said(examined, monkeypatch):
    found = examined()[0]
    assert {name for name, one in found.items() if one["section"] == "extras"} == set(doctor._EXTRAS)
    from importlib import metadata

    real = metadata.distribution

    def distribution(name):
        if name == "uvicorn":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "distribution", distribution)
    hub = examined()[0]["hub"]
    assert hub["state"] == "can be had"
    assert "missing are uvicorn" in hub["what"]
    assert hub["get"] == 'pip install "pytest-mlmodelscope[hub]"'

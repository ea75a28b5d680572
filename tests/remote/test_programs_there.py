"""The programs that run on another machine, under every Python that is found: theirs may be an old one."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.version import Version

from pytest_mlmodelscope.agent import view
from pytest_mlmodelscope.agent.confinement import LAUNCHER, PROBE
from pytest_mlmodelscope.agent.interpreters import fitting
from pytest_mlmodelscope.remote.machine import Remote
from pytest_mlmodelscope.remote.there import look
from pytest_mlmodelscope.targets import local_cpu

PYTHONS = {str(found.version): str(found.path) for found in fitting(">=3.6")}
#: A worker that sends back what it gets, says where it is, and ends as it is told to.
WORKER = """
import os, signal, sys
import packed
for line in sys.stdin:
    if line == "die\\n":
        os.kill(os.getpid(), signal.SIGKILL)
    if line == "leave\\n":
        os._exit(7)
    sys.stdout.write(packed.SAID + " " + os.getcwd() + " " + line)
    sys.stdout.flush()
"""


@pytest.fixture(params=sorted(PYTHONS, key=Version))
def python(request):
    """The path of an interpreter."""
    return PYTHONS[request.param]


def run(python, program, *words, stdin=b"", **variables):
    """A program as it is run there, by text; what it printed."""
    words = [*Remote("ssh://nobody").words(program, python), *words]
    return subprocess.run(words, input=stdin, capture_output=True, env={**os.environ, **variables})


def answer(python, program, *words, stdin=b"", **variables):
    done = run(python, program, *words, stdin=stdin, **variables)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_a_look_says_what_went_on_and_how_the_machine_is_set_up(python):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as worker:
        found = answer(python, "look", str(worker.pid))
        worker.stdin.close()
    assert found["worker"]["pids"] == [str(worker.pid)]
    assert found["worker"]["cores"] == sorted(os.sched_getaffinity(0))
    assert found["processes"][str(worker.pid)][1] == str(os.getpid())
    here, settings = look.look(), look.settings()
    assert found.keys() == here.keys()
    assert found["cores"].keys() == here["cores"].keys()
    assert answer(python, "look", "settings") == json.loads(json.dumps(settings))


def test_without_a_number_a_worker_is_known_by_its_variables(python):
    variables = {**os.environ, "MLMS_HOST": "1"}
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=variables) as worker:
        found = answer(python, "look")
        worker.stdin.close()
    assert str(worker.pid) in found["worker"]["pids"]
    assert str(os.getpid()) not in found["worker"]["pids"]


def parcel(**files):
    """The bytes of an archive, their number and their SHA-256."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    data = packed.getvalue()
    return data, (str(len(data)), hashlib.sha256(data).hexdigest())


def plan(mechanism, site):
    """What a host tells of the worker above."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("__main__.py", WORKER)
    bounds = {"MLMS_PROCESSES": 4096}
    seen = {"site": site, "files": [], "system": list(view.SYSTEM), "devices": list(view.DEVICES)}
    how = {"mechanism": mechanism, "launcher": LAUNCHER.read_text(), "confiner": sys.executable}
    told = {**seen, **how, "variables": {}, "bounds": bounds}
    text = json.dumps({**told, "archive": len(packed.getvalue())}).encode()
    return struct.pack("<I", len(text)) + text + packed.getvalue()


def test_several_interpreters_are_tried(record_testsuite_property):
    # In CI there are many; on any machine at least the one that runs this.
    record_testsuite_property("interpreters_there", ", ".join(sorted(PYTHONS, key=Version)))
    assert PYTHONS


def test_a_machine_says_what_it_is(python):
    facts, here = answer(python, "facts", MLMS_CACHE="", XDG_CACHE_HOME="/kept"), local_cpu()
    assert (facts["arch"], facts["memory"], facts["threads"]) == (here.arch, here.memory, here.facts["threads"])
    assert facts["cache"] == "/kept/mlmodelscope/remote"
    assert answer(python, "facts", MLMS_CACHE="/other")["cache"] == "/other/remote"
    assert here.name in facts["cpuinfo"]


def test_what_is_sent_is_kept_and_known_again(python, tmp_path):
    place, (data, told) = str(tmp_path / "envs" / "one"), parcel(a="first", b="second")
    wanted = json.dumps({"a": hashlib.sha256(b"first").hexdigest()}).encode()
    assert answer(python, "store", "look", place) == {"state": "absent"}
    assert answer(python, "store", "take", place, *told, stdin=data)["state"] == "complete"
    assert answer(python, "store", "look", place, stdin=wanted)["state"] == "complete"
    (tmp_path / "envs/one/a").write_text("fIrst")
    assert answer(python, "store", "look", place, stdin=wanted) == {"state": "damaged", "what": "a has other bytes"}
    (tmp_path / "envs/one/b").unlink()
    assert "1 files with 5 bytes, not 2 with 11" in answer(python, "store", "look", place)["what"]
    assert [one["name"] for one in answer(python, "store", "list", str(tmp_path / "envs"))] == ["one"]
    answer(python, "store", "remove", place)
    assert answer(python, "store", "list", str(tmp_path / "envs")) == []
    assert answer(python, "store", "list", str(tmp_path / "nothing")) == []


def test_packages_are_compiled_for_the_python_that_takes_them(python, tmp_path):
    place, (data, told) = tmp_path / "one", parcel(**{"module.py": "VALUE = 1\n", "broken.py": "print 'two'\n"})
    answer(python, "store", "take", str(place), *told, "compile", stdin=data)
    assert [path.name.split(".")[0] for path in place.rglob("*.pyc")] == ["module"]
    # It does not count as damage.
    assert answer(python, "store", "look", str(place))["state"] == "complete"


def test_what_is_whole_stays_for_those_who_use_it_already(python, tmp_path):
    place, (data, told) = tmp_path / "one", parcel(a="first")
    take = (python, "store", "take", str(place), *told)
    answer(*take, stdin=data)
    first = (place / "a").stat().st_ino
    assert answer(*take, stdin=data)["state"] == "complete"
    assert (place / "a").stat().st_ino == first
    (place / "a").write_text("fIrst")
    answer(*take, "replace", stdin=data)
    assert (place / "a").read_text() == "first"


def test_what_the_disk_refuses_is_one_line(python, tmp_path):
    (tmp_path / "file").write_text("no folder")
    data, told = parcel(a="first")
    done = run(python, "store", "take", str(tmp_path / "file" / "one"), *told, stdin=data)
    assert done.returncode == 1
    assert done.stderr.decode().strip().endswith("cannot be kept: File exists")
    assert len(done.stderr.splitlines()) == 1


def test_what_a_killed_process_left_is_replaced(python, tmp_path):
    place, (data, told) = tmp_path / "envs" / "one", parcel(a="first")
    for left in (place, place.with_name("one.part")):
        left.mkdir(parents=True)
        (left / "rest").write_text("of another")
    assert answer(python, "store", "look", str(place)) == {"state": "absent"}
    answer(python, "store", "take", str(place), *told, stdin=data)
    assert sorted(path.name for path in place.iterdir()) == ["a", "mlms-complete.json"]


@pytest.mark.parametrize("mechanism", ["limits", "namespaces", "landlock"])
def test_a_worker_runs_with_its_packages_and_ends_with_its_wire(python, mechanism, site):
    workers = site.parent / "workers"
    done = run(python, "serve", "run", stdin=plan(mechanism, str(site)) + b"one\ntwo\n", TMPDIR=str(workers))
    assert done.returncode == 0, done.stderr.decode()
    (first, second) = done.stdout.decode().splitlines()
    assert first.split()[0::2] == ["hello", "one"]
    assert second.split()[0::2] == ["hello", "two"]
    scratch = Path(first.split()[1])
    assert scratch.parent == workers
    assert not scratch.exists()


def test_how_a_worker_ends_is_told(python, site):
    start = plan("limits", str(site))
    assert run(python, "serve", "run", stdin=start + b"die\n").returncode == 128 + 9
    assert run(python, "serve", "run", stdin=start + b"leave\n").returncode == 7
    cut = run(python, "serve", "run", stdin=start[:100])
    assert cut.returncode == 1
    assert cut.stderr.decode().strip() == "the host is gone"


def test_what_confines_a_worker_is_tried(python):
    asked = {"site": "", "files": [], "system": list(view.SYSTEM), "devices": list(view.DEVICES), "program": PROBE}
    asked |= {"launcher": LAUNCHER.read_text(), "confiner": sys.executable, "bounds": {"MLMS_PROCESSES": 4096}}
    asked["mechanisms"] = ["namespaces", "landlock"]
    text = json.dumps(asked).encode()
    said = answer(python, "serve", "probe", stdin=struct.pack("<I", len(text)) + text)
    assert {(found["files"], found["network"]) for found in said.values()} == {("own view", "none")}


@pytest.fixture
def site(tmp_path):
    """A folder of packages, with one in it; where workers live is beside it."""
    (tmp_path / "workers").mkdir()
    (tmp_path / "site").mkdir()
    (tmp_path / "site/packed.py").write_text("SAID = 'hello'\n")
    return tmp_path / "site"

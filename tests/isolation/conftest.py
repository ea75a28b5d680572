"""Workers under each mechanism, and a machine in small that they must not touch."""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import pytest

from pytest_mlmodelscope.agent import confinement
from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.environment import Environment
from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.core.manifest import Asset
from pytest_mlmodelscope.manifest.sources import debian

HOST = Environment(Path(sys.executable), "host", "attempting", "1", "host")
ATTEMPTING = Path(__file__).parent / "attempting"
MECHANISMS = [name for name in confinement.LADDER if name != "limits"]
SMALL = Limits(open_s=60, predict_s=60, memory_bytes=2_000_000_000, file_bytes=1_000_000, processes=300)


@pytest.fixture(scope="session")
def bwrap(tmp_path_factory):
    """The folder of the program bwrap: the system's, else Debian's, unpacked and not installed."""
    found = shutil.which("bwrap")
    if found is not None:
        return str(Path(found).parent)
    folder = tmp_path_factory.mktemp("bubblewrap")
    package = debian.obtain(Asset("bwrap", "", 0, "LGPL-2.0-or-later", package="bubblewrap"), folder, print)
    program = folder / "bwrap"
    with tarfile.open(package) as archive:
        program.write_bytes(archive.extractfile("./usr/bin/bwrap").read())
    program.chmod(0o755)
    return str(folder)


@pytest.fixture(scope="session")
def held(bwrap):
    """What each mechanism holds; all of them have to work on the machine that runs these tests."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("PATH", bwrap, prepend=os.pathsep)
        yield {name: confinement.probed(name) for name in confinement.LADDER}


class Under(Agent):
    """An agent that uses one mechanism, whichever is the best here."""

    def under(self, held):
        self._mechanism = held
        return self

    def _held(self):
        return self._mechanism


class Stage:
    """A home, a cache, an environment, servers and a process: what a model may not touch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = folder / "home" / "secret.txt"
        self.model = folder / "cache" / "objects" / "model.bin"
        self.neighbour = folder / "mlms-worker-other" / "answers.txt"
        for file in (self.secret, self.model, self.neighbour):
            file.parent.mkdir(parents=True)
            file.write_text("canary")
        self.library = Path(sysconfig.get_path("purelib"), "mlms_was_here.py")
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(folder / "home" / "bus"))
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind(f"\0mlms-{folder}")
        for server in (self.unix, self.abstract):
            server.listen()
        self.servers = (self.tcp, self.udp, self.unix, self.abstract)
        for server in self.servers:
            server.setblocking(False)
        self.victim = subprocess.Popen(["sleep", "600"])
        self.before = self._files()

    def names(self):
        """What the code of an attempt may name."""
        return {
            "secret": str(self.secret), "home": str(self.secret.parent), "model": str(self.model),
            "neighbour": str(self.neighbour), "library": str(self.library), "folder": str(self.folder),
            "tcp": self.tcp.getsockname()[1], "udp": self.udp.getsockname()[1],
            "bus": self.unix.getsockname(), "abstract": f"\0mlms-{self.folder}",
            "victim": self.victim.pid, "project": str(Path.cwd() / "mlms_was_here.txt"),
        }  # fmt: skip

    def _files(self):
        return {
            path: (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in sorted(self.folder.rglob("*"))
            if not path.is_socket()
        }

    def traces(self):
        """What something did here since the start, or since the last call."""
        after, found = self._files(), []
        found += [str(path) for path in {*self.before, *after} if self.before.get(path) != after.get(path)]
        found += [str(path) for path in self._strewn() if path.exists()]
        found += [server.type.name for server in self.servers if _was_reached(server)]
        found += ["victim"] * (self.victim.poll() is not None)
        for path in self._strewn():
            path.unlink(missing_ok=True)
        self.before = after
        return found

    def _strewn(self):
        return (self.library, Path.cwd() / "mlms_was_here.txt", Path("/tmp/mlms_was_here.txt"))

    def close(self):
        self.victim.kill()
        self.victim.wait()
        for server in self.servers:
            server.close()


def _was_reached(server):
    try:
        if server.type == socket.SOCK_DGRAM:
            server.recv(100)
        else:
            server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    stage = Stage(tmp_path_factory.mktemp("stage"))
    yield stage
    stage.close()


class Attempting(Under):
    """An agent whose model runs code."""

    def start(self, stage):
        """Open the model, which lies in the stage's cache."""
        request = {"files": {"model": str(stage.model)}, "options": stage.names(), "inputs": [], "outputs": []}
        self.described = self.open({**request, "threads": 1, "device": "cpu", "precision": "fp32"})
        return self

    def run(self, *code):
        """What each piece of code says."""
        return list(self.predict({"code": list(code)})[0]["said"])


@pytest.fixture(scope="module", params=MECHANISMS)
def confined(request, held, stage):
    """A worker under each mechanism; ``described`` is what it says of itself."""
    with Attempting(HOST, SMALL, ATTEMPTING) as agent:
        yield agent.under(held[request.param]).start(stage)


@pytest.fixture(scope="module")
def free(held, stage):
    """A worker with limits alone."""
    with Attempting(HOST, Limits(memory_bytes=2_000_000_000), ATTEMPTING) as agent:
        yield agent.under(held["limits"]).start(stage)

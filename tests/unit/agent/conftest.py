import base64
import hashlib
import os
import platform
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.built import BuiltEnvironments
from pytest_mlmodelscope.agent.environment import Environment
from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.core.framework import EnvironmentSpec

MISBEHAVING = Path(__file__).parent / "misbehaving"
HOST = Environment(Path(sys.executable), "host", "misbehaving", "1", "host")
FAST = Limits(open_s=20, predict_s=20, memory_bytes=2_000_000_000)
X = {"x": np.arange(6, dtype=np.float32).reshape(2, 3)}


def request_for(does, threads=1, **options):
    return {
        "files": {}, "options": {"does": does, **options}, "inputs": [], "outputs": [],
        "threads": threads, "device": "cpu", "precision": "fp32",
    }  # fmt: skip


def processes_of(scratch: Path) -> list[int]:
    """The processes whose home is a worker's scratch folder: the worker and all that it started."""
    mark = b"HOME=" + os.fsencode(scratch)
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def number_inside(pid: int) -> int:
    """The number by which a process knows itself: it may have a list of processes of its own."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[-1]) for line in lines if line.startswith("NSpid:"))


def wait_until_gone(scratch: Path) -> list[int]:
    """What is still alive when the kernel had time to take it away."""
    for _ in range(200):
        if not (left := processes_of(scratch)):
            break
        time.sleep(0.02)
    return left


class Watched(Agent):
    """An agent that remembers where its workers lived."""

    scratches: list[Path]

    def _start(self, code, threads):
        super()._start(code, threads)
        self.scratches.append(self._worker.scratch)


@pytest.fixture
def worker():
    """Opens a misbehaving model; afterwards nothing of any worker may be left."""
    agents = []

    def start(does, limits=FAST, **options):
        agent = Watched(HOST, limits, MISBEHAVING)
        agent.scratches = []
        agents.append(agent)
        agent.describe = agent.open(request_for(does, **options))
        return agent

    yield start
    for agent in agents:
        agent.close()
        for scratch in agent.scratches:
            assert wait_until_gone(scratch) == []
            assert not scratch.exists()


def make_wheel(folder: Path, name: str, version: str, files: dict[str, str], needs: tuple[str, ...] = ()) -> Path:
    """A wheel with its record of hashes and sizes, as build tools write it."""
    about = f"{name}-{version}.dist-info"
    needed = "".join(f"Requires-Dist: {need}\n" for need in needs)
    contents = {
        **files,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},{wheel_hash(text.encode())},{len(text)}\n" for path, text in contents.items())
    place = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(place, "w") as wheel:
        for path, text in {**contents, f"{about}/RECORD": f"{record}{about}/RECORD,,\n"}.items():
            wheel.writestr(path, text)
    return place


def wheel_hash(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """A folder of wheels that uv and pip take everything from; nothing is asked of a network."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    for version in ("1.0", "1.5", "2.0"):
        make_wheel(folder, "tiny_model", version, {"tiny_model.py": f"VERSION = {version!r}\n"})
    return folder


@pytest.fixture
def built(tmp_path):
    """Environments in a folder of this test; ``said`` is what they told of their progress."""
    said = []
    environments = BuiltEnvironments(tmp_path, False, said.append)
    environments.said = said
    return environments


def spec(*requirements, **changes):
    fields = {"version": "3", "python": f"=={platform.python_version()}", "requirements": requirements}
    return EnvironmentSpec(**{**fields, **changes})

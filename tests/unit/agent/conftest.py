import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.environment import Environment
from pytest_mlmodelscope.agent.limits import Limits

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

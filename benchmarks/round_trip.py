"""What the worker's process costs: a picture there and back, and 60,000 short texts in a stream.

Run it with ``python benchmarks/round_trip.py``. Everything is a ratio to the same work without a
worker, measured in the same breath, so that a busy machine slows both sides.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.environment import Environment
from pytest_mlmodelscope.worker import wire

ROUNDS = 400
ITEMS = 60_000
BATCH = 256
PASSES = 5

#: Takes a picture and returns a thousand scores; hashes a text as often as a cheap model would.
PREDICTOR = """
import hashlib
import numpy


def score(text):
    digest = text.encode()
    for _ in range(40):
        digest = hashlib.sha256(digest).digest()
    return digest.hex()[:2]


class Predictor:
    def predict(self, inputs):
        if "x" in inputs:
            return {"y": inputs["x"].reshape(-1)[:1000]}
        return {"y": [score(text) for text in inputs["text"]]}

    def describe(self):
        return {}


def load(request):
    return Predictor()
"""


def score(text: str) -> str:
    """The same function as the worker's."""
    digest = text.encode()
    for _ in range(40):
        digest = hashlib.sha256(digest).digest()
    return digest.hex()[:2]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "predictor.py").write_text(PREDICTOR)
        environment = Environment(Path(sys.executable), "host", "bench", "1", "host")
        with Agent(environment, folder=Path(folder)) as agent:
            agent.open(
                {
                    "files": {}, "options": {}, "inputs": [], "outputs": [],
                    "threads": 1, "device": "cpu", "precision": "fp32",
                }
            )  # fmt: skip
            picture(agent)
            texts(agent)


def picture(agent: Agent) -> None:
    x = np.random.default_rng(0).random((3, 224, 224), dtype=np.float32)
    for _ in range(20):
        agent.predict({"x": x})
    with BarePipe() as pipe:
        trips, bare, copies = [], [], []
        for _ in range(ROUNDS):
            trips.append(seconds(lambda: agent.predict({"x": x})))
            bare.append(seconds(lambda: pipe.echo(x)))
            copies.append(seconds(x.copy))
    trip, echo, copy = (statistics.median(times) * 1e3 for times in (trips, bare, copies))
    print(f"3x224x224 float32 there, 1,000 scores back: {trip:.3f} ms (goal: under 0.3)")
    print(f"  {trip / echo:.2f} times the same bytes through bare pipes ({echo:.3f} ms)")
    print(f"  {trip / copy:.1f} times one copy in memory ({copy:.3f} ms)")


def texts(agent: Agent) -> None:
    items = [f"a short text, number {number}" for number in range(ITEMS)]
    batches = [{"text": items[start : start + BATCH]} for start in range(0, ITEMS, BATCH)]
    streamed, looped = [], []
    for _ in range(PASSES):
        looped.append(seconds(lambda: [score(text) for text in items]))
        streamed.append(seconds(lambda: [outputs["y"] for outputs, _ in agent.predict_stream(batches)]))
    loop, stream = min(looped), min(streamed)
    print(f"{ITEMS:,} texts in a stream: {ITEMS / stream:,.0f} items/s")
    print(f"  {stream / loop:.3f} times the bare loop ({ITEMS / loop:,.0f} items/s; goal: within 1.10)")


def seconds(action) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


class BarePipe:
    """Another process that reads a picture's bytes and writes a thousand floats, and nothing else."""

    def __enter__(self) -> BarePipe:
        down, self._to = os.pipe()
        self._from, up = os.pipe()
        wire.widen(self._to)
        wire.widen(self._from)
        self._child = os.fork()
        if self._child == 0:
            os.close(self._to)
            os.close(self._from)
            _serve(down, up)
        os.close(down)
        os.close(up)
        return self

    def echo(self, x: np.ndarray) -> bytes:
        """The picture's bytes there, a thousand floats' back."""
        os.write(self._to, x)
        return os.read(self._from, 4000)

    def __exit__(self, *exc: object) -> None:
        os.close(self._to)
        os.close(self._from)
        os.waitpid(self._child, 0)


def _serve(reader: int, writer: int) -> None:
    buffer = bytearray(3 * 224 * 224 * 4)
    answer = bytes(4000)
    view = memoryview(buffer)
    while True:
        got = 0
        while got < len(buffer):
            read = os.readv(reader, [view[got:]])
            if not read:
                os._exit(0)
            got += read
        os.write(writer, answer)


if __name__ == "__main__":
    main()

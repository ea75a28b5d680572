"""The agent: opens a model in a worker, and asks it."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from pytest_mlmodelscope.agent.archive import archive, recipe_archive
from pytest_mlmodelscope.agent.owner import Owner
from pytest_mlmodelscope.agent.shared import SharedMemory
from pytest_mlmodelscope.agent.stream import AHEAD, answers
from pytest_mlmodelscope.agent.told import timings_of
from pytest_mlmodelscope.core.errors import NotApplicable, WorkerDied
from pytest_mlmodelscope.interfaces.predictor import OpenRequest
from pytest_mlmodelscope.interfaces.scenario import Settings, Timings
from pytest_mlmodelscope.worker import wire

#: Tensors by name: numpy arrays, or lists of text (None where there is no value).
Tensors = Mapping[str, Any]


class Agent(Owner):
    """The owner of a worker, with everything that it can be asked: ``Agent(environment)``."""

    def open(self, request: OpenRequest, framework: str | None = None) -> dict[str, Any]:
        """Load a model in a fresh worker; what its predictor says of itself.

        Raises:
            ModelError: the framework cannot load it.
            WorkerDied, WorkerTimeout: its process ended, or did not answer in time.
            EnvironmentUnavailable: isolation is required, and this machine has none.
        """
        self.close()
        name = framework or self.environment.framework
        kept = request.get("kept", {})
        self._seen = [*request["files"].values(), *kept.values()], request["device"]
        self._start(archive(name, self._folder), request["threads"])
        question = {"framework": name, "request": dict(request)}
        header, _ = self._ask("open", (), self.limits.open_s, question)
        self._refuse_other_machine(header["arch"])
        self._builds = header["builds"]
        describe: dict[str, Any] = header["describe"]
        return {**describe, "arch": header["arch"], "isolation": self._isolation()}

    def _refuse_other_machine(self, arch: str) -> None:
        """An emulator that is passed by would let this machine answer for another."""
        if self.environment.arch and arch != self.environment.arch:
            self._finish()
            raise WorkerDied("the worker runs on another machine", expected=self.environment.arch, got=arch)

    def predict(self, inputs: Tensors) -> tuple[dict[str, Any], int]:
        """The outputs by name, and the nanoseconds that the model took inside the worker."""
        memory = self._memory()
        frame = _question(inputs, memory)
        memory.asked()
        deadline = time.monotonic() + self.limits.predict_s
        self._send(frame, deadline)
        header, tensors = self._answer(memory, deadline)
        return dict(tensors), header["ns"]

    def predict_stream(
        self, batches: Iterable[Tensors], ahead: int = AHEAD
    ) -> Generator[tuple[dict[str, Any], int], None, None]:
        """``predict`` of each batch, in order; the next ones, ``ahead`` at most, are sent while the worker computes.

        ``batches`` is iterated in another thread; what it raises is raised here. The worker can be
        used again when the iterator is exhausted or closed.
        """
        memory = self._memory()
        frames = (_question(batch, memory) for batch in batches)
        # The writing thread has a descriptor of its own, so that none is closed under its hands.
        writer = os.dup(self._opened().writer)

        def send(frame: list[Any]) -> None:
            memory.asked()
            wire.send(writer, frame)

        try:
            received = answers(
                frames, send, lambda: self._answer(memory, time.monotonic() + self.limits.predict_s), ahead
            )
            with closing(received):
                for header, tensors in received:
                    yield dict(tensors), header["ns"]
        finally:
            os.close(writer)

    def _answer(self, memory: SharedMemory, deadline: float) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
        """The answer to the oldest question; an error is one too."""
        try:
            return self._receive(deadline, self.limits.predict_s)
        finally:
            memory.answered()

    def fit(self, inputs: Tensors, labels: Sequence[Any]) -> None:
        """Train the model on these items."""
        self._ask("fit", [*inputs.items(), ("labels", list(labels))], self.limits.fit_s)

    def load(self, scenario: str, samples: Sequence[Tensors], settings: Settings, engine: str | None = None) -> Timings:
        """Run a scenario inside the worker over prepared queries, which repeat when they run out.

        ``engine`` issues the queries instead of the scenario itself (``loadgen``).
        """
        flat = [tensor for sample in samples for tensor in sample.items()]
        question = {"scenario": scenario, "width": len(samples[0]), "settings": dict(settings), "engine": engine}
        longest = 2 * settings["max_seconds"] + 2 * self.limits.predict_s
        header, tensors = self._ask("load", flat, longest, question)
        return timings_of(header, tensors)

    def hold(self, samples: Sequence[Tensors]) -> None:
        """Give the worker prepared queries for the turns that follow."""
        flat = [tensor for sample in samples for tensor in sample.items()]
        self._ask("hold", flat, self.limits.predict_s, {"width": len(samples[0])})

    def turn(self, scenario: str, settings: Settings, first: int = 0) -> Timings:
        """``load`` over the queries that are held, beginning with the ``first`` of them."""
        question = {"scenario": scenario, "first": first, "settings": dict(settings)}
        header, tensors = self._ask("turn", (), 2 * settings["max_seconds"] + 2 * self.limits.predict_s, question)
        return timings_of(header, tensors)

    def count(self, figures: Sequence[str], inputs: Tensors) -> dict[str, float]:
        """What is counted of the model, by the names asked for; ``inputs`` are one query, or empty."""
        question = {"figures": list(figures)}
        header, _ = self._ask("count", inputs.items(), self.limits.count_s, question)
        found: dict[str, float] = header["figures"]
        return found

    def built(self) -> dict[str, bytes]:
        """What the predictor built of the model since this was asked last, for later workers, by its names."""
        if not self._builds:
            return {}
        _, tensors = self._ask("built", (), self.limits.predict_s)
        return {name: value.tobytes() for name, value in tensors}

    def instructions(self, inputs: Tensors) -> list[int]:
        """How many instructions the worker's processor executes for each of several calls with one query.

        Raises:
            NotApplicable: nothing counts them here; says what would.
        """
        header, _ = self._ask("instructions", inputs.items(), self.limits.count_s)
        if "uncounted" in header:
            raise NotApplicable(header["uncounted"], hint=header["hint"])
        calls: list[int] = header["calls"]
        return calls

    def probe(self, inputs: Tensors) -> dict[str, bool]:
        """``inputs_kept``, ``outputs_kept``: whether a prediction changes what is not its own; ``complete``:
        whether all of it was there when it returned.
        """
        header, _ = self._ask("probe", inputs.items(), self.limits.predict_s)
        return {name: bool(header[name]) for name in ("inputs_kept", "outputs_kept", "complete")}

    def make(self, script: Path, makes: str, files: Mapping[str, Path]) -> dict[str, bytes]:
        """Run the script of a recipe in a fresh worker, and end it; the bytes of what it made.

        They are those of the file ``makes``, by an empty name, or of all files below the folder
        ``makes``, by their paths. ``files`` is what the script makes it of.

        Raises:
            ModelError: the script failed, or made nothing of this name.
            WorkerDied, WorkerTimeout: its process ended, or took longer than training may.
        """
        self.close()
        paths = {name: str(path) for name, path in files.items()}
        self._seen = paths.values(), "cpu"
        self._start(recipe_archive(self.environment.framework, script), 1)
        question = {"script": script.stem, "makes": makes, "files": paths}
        try:
            _, tensors = self._ask("make", (), self.limits.fit_s, question)
            return {name: value.tobytes() for name, value in tensors}
        finally:
            self.close()

    def stats(self) -> dict[str, int]:
        """``peak_bytes``: the largest resident size of the worker so far."""
        header, _ = self._ask("stats", (), self.limits.predict_s)
        return {"peak_bytes": header["peak_bytes"]}


def _question(inputs: Tensors, memory: SharedMemory) -> list[Any]:
    return wire.encode({"op": "predict", "about": {}}, inputs.items(), memory.put)

"""The worker's loop: one question, one answer, until the host closes the wire.

Questions: ``open`` a model, ``predict``, ``fit``, ``load`` (run a scenario), ``hold`` queries, ``turn`` (run a scenario
over them, again and again), ``count``, ``instructions``, ``probe``,
``stats``, ``built`` (what the predictor built for later workers); ``make`` a file by a script that came along. An
error is an answer too, and the loop goes on.
"""

import importlib
import json
import os
import platform
import runpy
import sys
import time
import traceback
from typing import Any, Iterator

from pytest_mlmodelscope.worker import counting, limits, loading, wire
from pytest_mlmodelscope.worker.declared import check
from pytest_mlmodelscope.worker.window import inherited


def _perf_counter_ns() -> int:
    return int(time.perf_counter() * 1e9)


clock = getattr(time, "perf_counter_ns", _perf_counter_ns)

#: For so long a finished answer is watched for changes: nothing may still be at work on it.
_WATCHED_SECONDS = 0.1
#: How many answers may go together (a host asks eight questions ahead), and for how long the first is held.
_TOGETHER = 4
_LONGEST_HELD_NS = 20 * 1000 * 1000


def main() -> None:
    """Serve the host that started this process."""
    reader, writer = _take_over_pipes()
    limits.apply(os.environ)
    worker, window, answers = Worker(), inherited(), Answers(writer)
    while True:
        try:
            header, tensors = wire.receive(reader, window=window)
        except EOFError:
            # Interpreters with a framework inside can take seconds to shut down, or crash.
            os._exit(0)
        answers.add(worker.answer(header, tensors))
        if not wire.is_waiting(reader):
            answers.send()


class Answers:
    """Answers on their way to the host; a few go together while the next question is already there.

    A host that waits has to be woken for each message, which can cost a good part of a quick answer.
    """

    def __init__(self, writer: int) -> None:
        self._writer = writer
        self._held = []  # type: list[Any]
        self._count = 0
        self._since = 0

    def add(self, answer: "list[Any]") -> None:
        """Send an answer now, or with those that follow."""
        self._held += answer
        self._count += 1
        if self._count == 1:
            self._since = clock()
        if self._count == _TOGETHER or clock() - self._since > _LONGEST_HELD_NS:
            self.send()

    def send(self) -> None:
        """Send what is held."""
        wire.send(self._writer, self._held)
        self._held, self._count = [], 0


def _take_over_pipes() -> "tuple[int, int]":
    """Keep descriptors 0 and 1 for the wire; what the model prints goes to 2."""
    reader, writer = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    return reader, writer


class Worker:
    """One model, and what can be asked of it."""

    def __init__(self) -> None:
        self._predictor = None  # type: Any
        self._declared = []  # type: list[dict[str, Any]]
        self._held = []  # type: list[dict[str, Any]]

    def answer(self, header: "dict[str, Any]", tensors: "list[tuple[str, Any]]") -> "list[Any]":
        """The message that answers a question, ready to be written."""
        try:
            question = getattr(self, "_on_" + header["op"])
            return wire.encode(*question(tensors, **header["about"]))
        except BaseException as error:  # noqa: BLE001  # a process boundary: a model may even call sys.exit
            return wire.encode({"error": _as_data(error)})

    def _on_open(self, _: "Any", framework: str, request: "dict[str, Any]") -> "Any":
        module = importlib.import_module("pytest_mlmodelscope.frameworks.%s.predictor" % framework)
        self._predictor = module.load(request)
        self._declared = request.get("inputs", [])
        describe = json.loads(json.dumps(dict(self._predictor.describe()), default=str))
        builds = hasattr(self._predictor, "built")
        return {"describe": describe, "builds": builds, "arch": platform.machine()}, ()

    def _check(self, inputs: "dict[str, Any]") -> None:
        """Hold inputs against the manifest, where it says anything of them; outside of what is timed."""
        if self._declared:
            check(self._declared, inputs)

    def _on_predict(self, tensors: "list[tuple[str, Any]]") -> "Any":
        inputs = dict(tensors)
        self._check(inputs)
        predict = self._predictor.predict
        start = clock()
        outputs = predict(inputs)
        spent = clock() - start
        if not hasattr(outputs, "items"):
            raise TypeError("the predictor returned %s, not outputs by name" % type(outputs).__name__)
        return {"ns": spent}, outputs.items()

    def _on_fit(self, tensors: "list[tuple[str, Any]]") -> "Any":
        inputs, labels = dict(tensors[:-1]), tensors[-1][1]
        self._check(inputs)
        self._predictor.fit(inputs, labels.tolist() if hasattr(labels, "tolist") else labels)
        return {}, ()

    def _on_load(self, tensors: "list[tuple[str, Any]]", width: int, **how: "Any") -> "Any":
        return loading.run(self._predictor.predict, self._queries(tensors, width), **how)

    def _queries(self, tensors: "list[tuple[str, Any]]", width: int) -> "list[dict[str, Any]]":
        queries = [dict(tensors[start : start + width]) for start in range(0, len(tensors), width)]
        for query in queries:
            self._check(query)
        return queries

    def _on_hold(self, tensors: "list[tuple[str, Any]]", width: int) -> "Any":
        """Keep queries for the turns that follow, so that none of these has to wait for them."""
        self._held = self._queries(tensors, width)
        return {}, ()

    def _on_turn(self, _: "Any", first: int, **how: "Any") -> "Any":
        """A short load over the queries that are held, which begins with the ``first`` of them."""
        start = first % len(self._held)
        return loading.run(self._predictor.predict, self._held[start:] + self._held[:start], **how)

    def _on_count(self, tensors: "list[tuple[str, Any]]", figures: "list[str]") -> "Any":
        count = getattr(self._predictor, "count", None)
        if count is None:
            raise ValueError("this framework does not count %s" % ", ".join(figures))
        inputs = dict(tensors)
        if inputs:
            self._check(inputs)
        return {"figures": {name: float(value) for name, value in count(figures, inputs).items()}}, ()

    def _on_built(self, _: "Any") -> "Any":
        return {}, self._predictor.built().items()

    def _on_instructions(self, tensors: "list[tuple[str, Any]]") -> "Any":
        inputs = dict(tensors)
        self._check(inputs)
        try:
            return {"calls": counting.of_calls(self._predictor.predict, inputs)}, ()
        except counting.Uncounted as error:
            return {"uncounted": str(error), "hint": error.hint}, ()

    def _on_probe(self, tensors: "list[tuple[str, Any]]") -> "Any":
        """Whether a prediction is complete, and leaves its inputs, and what was returned before it, as they were."""
        inputs, others = dict(tensors), {name: value[::-1] for name, value in tensors}
        before = _bytes(inputs)
        outputs = self._predictor.predict(inputs)
        returned = _bytes(outputs)
        time.sleep(_WATCHED_SECONDS)
        complete = _are_values(outputs) and _bytes(outputs) == returned
        self._predictor.predict(others)
        kept = {"inputs_kept": _bytes(inputs) == before, "outputs_kept": _bytes(outputs) == returned}
        return dict(kept, complete=complete), ()

    def _on_make(self, _: "Any", script: str, makes: str, files: "dict[str, str]") -> "Any":
        """Run a script as a program of its own; the bytes of the file or the folder that it makes."""
        archive, folder = sys.argv[0], os.path.join(os.getcwd(), "made")
        os.mkdir(folder)
        os.chdir(folder)
        sys.path.insert(0, os.path.join(archive, "recipe"))
        sys.argv = [script + ".py", makes] + ["%s=%s" % item for item in sorted(files.items())]
        try:
            runpy.run_module(script, run_name="__main__")
        except SystemExit as ended:
            if ended.code:
                raise RuntimeError("the script ended with %s" % ended.code) from None
        return {}, list(_left(folder, makes))

    def _on_stats(self, _: "Any") -> "Any":
        return {"peak_bytes": limits.peak_bytes()}, ()


def _left(folder: str, makes: str) -> "Iterator[tuple[str, Any]]":
    """The bytes of what a script made, by the path below it; of one file by an empty path."""
    import numpy

    top = os.path.join(folder, makes)
    if not os.path.lexists(top):
        left = ", ".join(sorted(os.listdir(folder))) or "nothing"
        raise RuntimeError("the script made no %s, but %s" % (makes, left))
    inside = [os.path.join(at, name) for at, _, names in os.walk(top) for name in names]
    paths = inside if os.path.isdir(top) and not os.path.islink(top) else [top]
    for path in sorted(paths):
        if os.path.islink(path):
            raise RuntimeError("the script made a link: %s" % os.path.relpath(path, folder))
        with open(path, "rb") as file:
            yield "" if path == top else os.path.relpath(path, top), numpy.frombuffer(file.read(), "uint8")


def _are_values(outputs: "Any") -> bool:
    """Whether these are values, and not promises of a device that is still at work."""
    import numpy

    return all(isinstance(value, (numpy.ndarray, list, tuple)) for value in outputs.values())


def _bytes(tensors: "Any") -> bytes:
    return b"".join(bytes(buffer) for buffer in wire.encode({}, tensors.items()))


def _as_data(error: BaseException) -> "dict[str, Any]":
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    text = str(error) or repr(error)
    name = type(error).__name__
    refused = isinstance(error, (ValueError, TypeError))
    kind = "memory" if limits.tells_of_memory(name + text) else "input" if refused else "model"
    sys.stderr.flush()
    return {
        "kind": kind,
        "type": name,
        "message": text[:2000],
        "frames": ["%s:%s in %s: %s" % (frame[0], frame[1], frame[2], frame[3]) for frame in frames],
    }

"""The agent: opens a model in a worker, asks it, and says clearly when it fails."""

from __future__ import annotations

import os
import select
import shutil
import site
import tempfile
import time
import weakref
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final, Self, cast

from pytest_mlmodelscope.agent.archive import archive, recipe_archive
from pytest_mlmodelscope.agent.confinement import Held, Worker, best, record, started
from pytest_mlmodelscope.agent.environment import Environment
from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.agent.process import WorkerProcess
from pytest_mlmodelscope.agent.shared import SharedMemory
from pytest_mlmodelscope.agent.stream import AHEAD, answers
from pytest_mlmodelscope.agent.view import View, view
from pytest_mlmodelscope.core.claim import NOTHING
from pytest_mlmodelscope.core.errors import ModelError, NotApplicable, WorkerDied, WorkerError, WorkerTimeout
from pytest_mlmodelscope.interfaces.predictor import OpenRequest
from pytest_mlmodelscope.interfaces.scenario import Settings, Timings
from pytest_mlmodelscope.worker import window, wire
from pytest_mlmodelscope.worker.limits import tells_of_memory
from pytest_mlmodelscope.worker.loading import KEPT

#: Tensors by name: numpy arrays, or lists of text (None where there is no value).
Tensors = Mapping[str, Any]

#: What a worker may see of the host's variables.
_PASSED: Final = ("PATH", "LD_LIBRARY_PATH", "TZ", "CUDA_VISIBLE_DEVICES")
_PASSED_TO_EMULATED: Final = ("TZ",)
_PASSED_TO_HOST: Final = ("PYTHONPATH", "PYTHONUSERBASE", "PYTHONNOUSERSITE")
THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
#: What keeps frameworks from writing to a home folder, asking a network, or chatting.
QUIET: Final = {
    "CI": "true",
    "ORT_DISABLE_TELEMETRY": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "LANG": "C.UTF-8",
    # Who asks for the user's name must not need the list of users, which is not in sight.
    "USER": "mlms",
}
#: What keeps an interpreter to its own modules; -I would also hide the seed by which two runs count the same.
_ISOLATED: Final = {"host": (), "built": ("-I",), "emulated": ("-s",)}
_LOOK_SECONDS: Final = 0.25


class Agent:
    """The owner of one worker process.

    ``folder`` is where the framework's ``predictor.py`` lies, by default its registered place.
    The kernel ends a worker together with the thread that opened it, so open it in one that stays.
    """

    def __init__(self, environment: Environment, limits: Limits | None = None, folder: Path | None = None) -> None:
        self.environment = environment
        self.limits = limits or Limits()
        self._folder = folder
        self._worker: WorkerProcess | None = None
        self._shared: SharedMemory | None = None
        self._seen: tuple[Iterable[str], str] = ((), "cpu")
        self._builds = False
        self._end: Callable[[], object] = lambda: None
        self._tail: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines that the worker printed."""
        return tuple(self._worker.lines) if self._worker is not None else self._tail

    @property
    def pid(self) -> int | None:
        """The process that is the worker or started it; None where it has no number on this machine."""
        return None if self._worker is None else self._worker.process.pid

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

    def close(self) -> None:
        """End the worker and everything that it started."""
        self._finish()

    def _start(self, code: bytes, threads: int | None) -> None:
        if not self.environment.python.exists():
            where = str(self.environment.python)
            raise WorkerDied("the worker cannot be started", where=where, got="no such interpreter")
        held = self._held()
        scratch = Path(tempfile.mkdtemp(prefix="mlms-worker-"))
        (scratch / "worker.zip").write_bytes(code)
        isolated = _ISOLATED[self.environment.source]
        words = [*self.environment.launcher, str(self.environment.python), *isolated]
        command = [*words, "-u", str(scratch / "worker.zip")]
        variables = self._variables(scratch, threads)
        try:
            self._shared = SharedMemory()
            confined = started(held, Worker(command, scratch, self._view(variables), self.limits.processes))
            variables |= {"MLMS_HOST": str(confined.host), **self.limits.variables(held.processes != "own")}
            variables[window.VARIABLE] = str(self._shared.descriptor)
            inherited = (self._shared.descriptor,)
            limited = self._limited(confined.command)
            self._worker = WorkerProcess(limited, variables, scratch, inherited, confined.relayed)
        except OSError as error:
            shutil.rmtree(scratch)
            raise WorkerDied("the worker cannot be started", where=command[0], got=error.strerror) from None
        for pipe in (self._worker.reader, self._worker.writer):
            os.set_blocking(pipe, False)
            wire.widen(pipe)
        # Also at the end of the host's process, and when nobody holds the agent any more.
        self._end = weakref.finalize(self, self._worker.end)

    def _limited(self, command: Sequence[str]) -> Sequence[str]:
        """An emulator does not pass on what a worker says of its own memory: it must be told before.

        Of the address space, since an emulator reserves memory before it makes it data.
        """
        if not self.environment.launcher:
            return command
        return ["/bin/sh", "-c", 'ulimit -v "$0" && exec "$@"', str(self.limits.memory_bytes // 1024), *command]

    def _held(self) -> Held:
        return best(self.limits.isolation)

    def _isolation(self) -> dict[str, Any]:
        return record(self._held(), self.limits)

    def _view(self, variables: Mapping[str, str]) -> View:
        return view(self.environment, *self._seen, variables)

    def _variables(self, scratch: Path, threads: int | None) -> dict[str, str]:
        names = _PASSED_TO_EMULATED if self.environment.launcher else _PASSED
        passed = {name: os.environ[name] for name in names if name in os.environ}
        if self.environment.source == "host":
            # Its packages may lie in the user's own folder, which is found through the home folder.
            passed |= {name: os.environ[name] for name in _PASSED_TO_HOST if name in os.environ}
            passed.setdefault("PYTHONUSERBASE", site.getuserbase())
        own = {"HOME": str(scratch), "TMPDIR": str(scratch)}
        if threads is not None:
            own |= dict.fromkeys(THREAD_VARIABLES, str(threads))
        return {**QUIET, **passed, **self.environment.variables, **own}

    def _finish(self) -> str:
        how = str(self._end())
        self._tail = self.tail
        self._worker = self._shared = None
        self._end = lambda: None
        return how

    def _ask(
        self, op: str, tensors: Iterable[tuple[str, Any]], seconds: float, about: Mapping[str, Any] = NOTHING
    ) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
        buffers = wire.encode({"op": op, "about": dict(about)}, tensors)
        deadline = time.monotonic() + seconds
        self._send(buffers, deadline)
        return self._receive(deadline, seconds)

    def _send(self, buffers: list[Any], deadline: float) -> None:
        writer = self._opened().writer
        # The reason is in what it says last, or in how it ended: both come from reading.
        with suppress(BrokenPipeError, EOFError, TimeoutError):
            wire.send(writer, buffers, lambda descriptor, events: self._wait(descriptor, events, deadline))

    def _memory(self) -> SharedMemory:
        self._opened()
        assert self._shared is not None  # it comes and goes with the worker
        return self._shared

    def _opened(self) -> WorkerProcess:
        if self._worker is None:
            raise WorkerDied("no model is open", hint="open one first")
        return self._worker

    def _receive(self, deadline: float, allowed: float) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
        reader = self._opened().reader
        try:
            header, tensors = wire.receive(reader, lambda descriptor, events: self._wait(descriptor, events, deadline))
        except KeyboardInterrupt:
            # Half an answer may have been read: nothing can be asked after that.
            self._finish()
            raise
        except EOFError:
            raise self._died() from None
        except wire.WireError as error:
            raise self._died(f"sent {error}") from None
        except TimeoutError:
            self._finish()
            within = f"an answer within {allowed:g} s"
            raise WorkerTimeout("the worker did not answer and was ended", expected=within).with_tail(
                self._tail
            ) from None
        if "error" in header:
            raise self._refused(header["error"])
        return header, tensors

    def _wait(self, descriptor: int, events: int, deadline: float) -> None:
        """Wait for a pipe, but neither past the deadline nor for a process that is no more."""
        poll = select.poll()
        poll.register(descriptor, events)
        while not poll.poll(max(0.0, min(_LOOK_SECONDS, deadline - time.monotonic())) * 1000):
            if time.monotonic() >= deadline:
                raise TimeoutError
            # A child of the worker may hold its end of the pipe open.
            if self._worker is None or (self._worker.exited() and not poll.poll(0)):
                raise EOFError

    def _died(self, what: str | None = None) -> WorkerError:
        how = self._finish()
        got = what or how
        hint = None
        if "SIGKILL" in how:
            hint = "look whether the machine ran out of memory: the kernel ends a process with SIGKILL then"
        elif _fell(how) or any(tells_of_memory(line) for line in self._tail):
            # Native code that gets no memory may use the null pointer, as it may have any other fault.
            got += f"; memory limit {_gigabytes(self.limits.memory_bytes)}"
        return WorkerDied(f"the worker {got}", hint=hint).with_tail(self._tail)

    def _refused(self, error: Mapping[str, Any]) -> WorkerError:
        said = f"{error['type']}: {error['message']}"
        # A library that gets no memory in the midst of an import may tell only standard error so.
        starved = error["kind"] == "model" and any(tells_of_memory(line) for line in self.tail)
        if error["kind"] == "memory" or starved:
            limit = f"at most {_gigabytes(self.limits.memory_bytes)} of memory"
            return ModelError("the model ran out of memory", expected=limit, got=said).with_tail(self.tail)
        if error["kind"] == "input":
            return ModelError(error["message"])
        return ModelError(said).with_tail([*self.tail, *error["frames"][-1:]])


def timings_of(header: Mapping[str, Any], tensors: Iterable[tuple[str, Any]]) -> Timings:
    """What a worker told of a load: times, and the answers that it kept by the numbers of their queries."""
    found: dict[str, Any] = {**header, "answers": {}}
    for name, value in tensors:
        if name.startswith(KEPT):
            number, _, output = name.removeprefix(KEPT).partition("/")
            found["answers"].setdefault(int(number), {})[output] = value
        else:
            found[name] = value.tolist()
    return cast("Timings", found)


def _fell(how: str) -> bool:
    """Whether a worker ended in a way that native code without memory may end, too."""
    return any(name in how for name in ("SIGSEGV", "SIGABRT", "SIGBUS"))


def _question(inputs: Tensors, memory: SharedMemory) -> list[Any]:
    return wire.encode({"op": "predict", "about": {}}, inputs.items(), memory.put)


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.3g} GB"

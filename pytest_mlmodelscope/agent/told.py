"""What a worker told, as the engine knows it: an error with what to do, or the times of a load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from pytest_mlmodelscope.core.errors import ModelError, WorkerDied, WorkerError
from pytest_mlmodelscope.interfaces.scenario import Timings
from pytest_mlmodelscope.worker.limits import tells_of_memory
from pytest_mlmodelscope.worker.loading import KEPT


def died(how: str, tail: Sequence[str], memory_bytes: int, what: str | None = None) -> WorkerError:
    """The error of a worker that ended so, after the lines ``tail``; ``what`` it did where that says more."""
    got = what or how
    hint = None
    if "SIGKILL" in how:
        hint = "look whether the machine ran out of memory: the kernel ends a process with SIGKILL then"
    elif _fell(how) or any(map(tells_of_memory, tail)):
        # Native code that gets no memory may use the null pointer, as it may have any other fault.
        got += f"; memory limit {_gigabytes(memory_bytes)}"
    return WorkerDied(f"the worker {got}", hint=hint).with_tail(tail)


def refused(error: Mapping[str, Any], tail: Sequence[str], memory_bytes: int) -> WorkerError:
    """The error that a worker answered, after the lines ``tail``."""
    said = f"{error['type']}: {error['message']}"
    # A library that gets no memory in the midst of an import may tell only standard error so.
    starved = error["kind"] == "model" and any(map(tells_of_memory, tail))
    if error["kind"] == "memory" or starved:
        limit = f"at most {_gigabytes(memory_bytes)} of memory"
        return ModelError("the model ran out of memory", expected=limit, got=said).with_tail(tail)
    if error["kind"] == "input":
        return ModelError(error["message"])
    return ModelError(said).with_tail([*tail, *error["frames"][-1:]])


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


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.3g} GB"

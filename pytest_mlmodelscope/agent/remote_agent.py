"""The owner of a worker on another machine: the same questions over the same wire, carried by ``ssh``."""

from __future__ import annotations

import dataclasses
import json
import os
import struct
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from pytest_mlmodelscope.agent import view
from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.confinement import LAUNCHER, PROBE, Held, chosen, record
from pytest_mlmodelscope.agent.environment import Environment
from pytest_mlmodelscope.agent.limits import Limits, most_memory, most_processes
from pytest_mlmodelscope.agent.process import WorkerProcess
from pytest_mlmodelscope.agent.shared import SharedMemory
from pytest_mlmodelscope.agent.variables import QUIET, THREAD_VARIABLES
from pytest_mlmodelscope.core.errors import WorkerDied, WorkerError
from pytest_mlmodelscope.interfaces.predictor import OpenRequest
from pytest_mlmodelscope.remote.connection import BROKEN
from pytest_mlmodelscope.remote.machine import Remote, remote
from pytest_mlmodelscope.remote.store import ensure, of_path
from pytest_mlmodelscope.worker import wire

#: What may confine a worker there; a program that has to be installed is not counted on.
_LADDER: Final = ("namespaces", "landlock")
#: The oldest Python that the launcher runs on, which need not be the worker's.
_LAUNCHES: Final = (3, 9)
_TOO_OLD: Final = "namespaces and landlock want a Python 3.9 or later there, and the newest is {}"


class RemoteAgent(Agent):
    """An agent whose worker runs where its environment is."""

    def __init__(self, environment: Environment, limits: Limits | None = None, folder: Path | None = None) -> None:
        super().__init__(environment, limits, folder)
        assert environment.there is not None
        self._there = environment.there
        self._machine = remote(environment.there.address)
        self.limits = _of_machine(self.limits, self._machine.facts)

    @property
    def pid(self) -> int | None:
        """None: the process here is that of the connection."""
        return None

    def open(self, request: OpenRequest, framework: str | None = None) -> dict[str, Any]:
        """As the agent of a worker here, once the model's files are there; each is hashed there first.

        Raises:
            RemoteError: that machine cannot be reached, or refuses what is sent.
        """
        there = {"files": self._sent(request["files"]), "kept": self._sent(request.get("kept", {}))}
        return super().open(cast("OpenRequest", {**request, **there}), framework)

    def _sent(self, paths: Mapping[str, str]) -> dict[str, str]:
        """Where these files and folders are there, by the same names."""
        found = {}
        for name, path in paths.items():
            kept, found[name] = of_path(self._machine, Path(path))
            ensure(self._machine, kept)
        return found

    def _start(self, code: bytes, threads: int | None) -> None:
        plan = json.dumps(self._plan(len(code), threads)).encode()
        words = self._machine.words("serve", str(self.environment.python))
        command = self._machine.connection().command([*words, "run"])
        scratch = Path(tempfile.mkdtemp(prefix="mlms-remote-"))
        self._shared = _NotShared()
        self._worker = WorkerProcess(command, os.environ, scratch, relayed=True)
        for pipe in (self._worker.reader, self._worker.writer):
            os.set_blocking(pipe, False)
            wire.widen(pipe)
        self._end = weakref.finalize(self, self._worker.end)
        self._send([struct.pack("<I", len(plan)), plan, code], time.monotonic() + self.limits.open_s)

    def _plan(self, size: int, threads: int | None) -> dict[str, Any]:
        chosen_threads = {} if threads is None else dict.fromkeys(THREAD_VARIABLES, str(threads))
        return {
            **_seen(self._machine, self._there.site),
            "files": list(self._seen[0]),
            "mechanism": self._held().mechanism,
            "variables": {**QUIET, **self.environment.variables, **chosen_threads},
            "bounds": _bounds(self.limits),
            "archive": size,
        }

    def _held(self) -> Held:
        return chosen(self.limits.isolation, self._climbed, self._machine.address)

    def _climbed(self) -> Held:
        """The best that works with this Python there; it is tried once."""
        python, found = str(self.environment.python), self._machine.found
        if ("isolation", python) not in found:
            found["isolation", python] = _tried(self._machine, python)
        held: Held = found["isolation", python]
        return held

    def _isolation(self) -> dict[str, Any]:
        return record(self._held(), self.limits, of_root=self._machine.facts["user"] == 0)

    def _died(self, what: str | None = None) -> WorkerError:
        worker = self._worker
        error = super()._died(what)
        if worker is None or worker.process.returncode != BROKEN:
            return error
        broken = self._machine.address
        hint = "look at the network and at that machine, then run again"
        return WorkerDied(f"the connection to {broken} broke while a model ran there", hint=hint).with_tail(error.tail)


class _NotShared(SharedMemory):
    """No memory is shared with another machine: everything goes through the wire."""

    def put(self, data: memoryview) -> int | None:  # noqa: ARG002  # there is room for nothing
        return None


def _seen(machine: Remote, site: str) -> dict[str, Any]:
    """What every worker may see, and what keeps it from the rest."""
    launcher = {"launcher": LAUNCHER.read_text(encoding="utf-8"), "confiner": machine.pythons[0].path}
    return {"site": site, "system": list(view.SYSTEM), "devices": list(view.DEVICES), **launcher}


def _bounds(limits: Limits) -> dict[str, int | None]:
    return {f"MLMS_{name.upper()}": value for name, value in limits.bounds().items()}


def _of_machine(limits: Limits, facts: Mapping[str, Any]) -> Limits:
    """The limits that nobody chose, for that machine's size instead of this one's."""
    usual = Limits()
    changes: dict[str, Any] = {}
    if limits.memory_bytes == usual.memory_bytes:
        changes["memory_bytes"] = most_memory(facts["memory"])
    if limits.processes == usual.processes:
        changes["processes"] = most_processes(facts["threads"])
    return dataclasses.replace(limits, **changes)


def _tried(machine: Remote, python: str) -> Held:
    """The first mechanism that holds everything there, else the one that holds most."""
    if machine.pythons[0].version < _LAUNCHES:
        return Held("limits", missing=(_TOO_OLD.format(machine.pythons[0].text),))
    plan = {
        **_seen(machine, ""),
        "files": [],
        "mechanisms": _LADDER,
        "program": PROBE,
        "bounds": {"MLMS_PROCESSES": 4096},
    }
    question = json.dumps(plan).encode()
    said = machine.ask("serve", "probe", stdin=struct.pack("<I", len(question)) + question, python=python)
    missing = tuple(f"{name}: {found['error']}" for name, found in said.items() if "error" in found)
    helds = [Held(name, **found, missing=missing) for name, found in said.items() if "error" not in found]
    return max(helds, key=lambda held: held.whole, default=Held("limits", missing=missing))

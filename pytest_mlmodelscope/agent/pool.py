"""The workers that were opened last: kept for the next case that wants the very same."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.environment import Environment
from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.interfaces.predictor import OpenRequest


@dataclass(frozen=True, slots=True)
class Opened:
    """An open worker, and what its predictor said of itself."""

    agent: Agent
    software: Mapping[str, Any]


class Pool:
    """One worker at a time, since frameworks are large and two would time each other; more only while
    somebody asks for ``room``.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits
        self._opened: dict[Hashable, Opened] = {}

    def get(
        self,
        key: Hashable,
        environment: Environment,
        request: OpenRequest,
        train: Callable[[Agent], None],
        room: int = 1,
    ) -> Opened:
        """The worker that was opened for ``key``, else a new one, trained by ``train``; those that were
        asked for longest ago are ended until at most ``room`` are left.

        Raises:
            WorkerError: the model cannot be loaded or trained; it has no worker then.
        """
        found = self._opened.pop(key, None)
        self._shrink(room - 1)
        if found is None:
            found = self._open(environment, request, train)
        self._opened[key] = found
        return found

    def _open(self, environment: Environment, request: OpenRequest, train: Callable[[Agent], None]) -> Opened:
        agent = _agent(environment, self._limits)
        try:
            software = agent.open(request)
            train(agent)
        except BaseException:  # an interruption too: nobody else knows this worker
            agent.close()
            raise
        return Opened(agent, software)

    def _shrink(self, most: int) -> None:
        while len(self._opened) > most:
            # In the order in which they were last asked for.
            self._opened.pop(next(iter(self._opened))).agent.close()

    def close(self) -> None:
        """End all workers."""
        self._shrink(0)


def _agent(environment: Environment, limits: Limits | None) -> Agent:
    """The owner of a worker where its environment is."""
    if environment.there is None:
        return Agent(environment, limits)
    from pytest_mlmodelscope.agent.remote_agent import RemoteAgent

    return RemoteAgent(environment, limits)

"""The worker that was opened last: kept for the next case that wants the very same."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_mlmodelscope.agent.agent import Agent, Limits
from pytest_mlmodelscope.agent.environment import Environment
from pytest_mlmodelscope.interfaces.predictor import OpenRequest


@dataclass(frozen=True, slots=True)
class Opened:
    """An open worker, and what its predictor said of itself."""

    agent: Agent
    software: Mapping[str, Any]


class Pool:
    """At most one worker at a time: frameworks are large, and two would time each other."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits
        self._key: Hashable = None
        self._opened: Opened | None = None

    def get(
        self, key: Hashable, environment: Environment, request: OpenRequest, train: Callable[[Agent], None]
    ) -> Opened:
        """The last worker when it was opened for ``key``, else a new one, trained by ``train``.

        Raises:
            WorkerError: the model cannot be loaded or trained; no worker is left then.
        """
        if self._opened is not None and self._key == key:
            return self._opened
        self.close()
        agent = Agent(environment, self._limits)
        try:
            software = agent.open(request)
            train(agent)
        except BaseException:
            agent.close()
            raise
        self._key, self._opened = key, Opened(agent, software)
        return self._opened

    def close(self) -> None:
        """End the worker, if there is one."""
        if self._opened is not None:
            self._opened.agent.close()
            self._opened = None

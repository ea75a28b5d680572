"""What the options ask of the engine."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from pytest_mlmodelscope.agent.care import DISTURBED, PIN, Care
from pytest_mlmodelscope.agent.limits import ISOLATION, Isolation
from pytest_mlmodelscope.cause import USUAL_SECONDS
from pytest_mlmodelscope.claim.expand import selection
from pytest_mlmodelscope.plugin.options import path_value, value

if TYPE_CHECKING:
    from pytest_mlmodelscope.agent.limits import Limits
    from pytest_mlmodelscope.engine.run import Settings

Choice = TypeVar("Choice", bound=str)


class Asked:
    """What the user asks for, checked before anything is collected.

    Raises:
        UsageError: an option has a value that it cannot have.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.evidence = evidence(value(config, "evidence"))
        self.why = seconds_for_cause(value(config, "why"))
        self._numbers = {name: number(config, name) for name in ("timeout", "memory", "margin")}
        self._against = against(config)
        self._isolation: Isolation = one_of(config, "isolation", ISOLATION)
        self._care = Care(one_of(config, "disturbed", DISTURBED), one_of(config, "pin", PIN))

    @property
    def offline(self) -> bool:
        """Whether the network is switched off."""
        return bool(value(self._config, "offline"))

    def of_engine(self, claims: int, progress: Callable[[str], None], announce: Callable[[str], None]) -> Settings:
        """The settings of an engine; ``claims`` are refuted at a common error."""
        from pytest_mlmodelscope.engine.run import Settings

        return Settings(
            cache=path_value(self._config, "cache"),
            offline=self.offline,
            sample=self.evidence.sample,
            sequential=self.evidence.sequential,
            error=self.evidence.error,
            claims=max(1, claims),
            baselines=path_value(self._config, "baselines", "baselines"),
            record=bool(value(self._config, "record")),
            limits=self._limits(),
            **self._side_by_side(),
            care=self._care,
            progress=progress,
            announce=announce,
        )

    def _side_by_side(self) -> dict[str, Any]:
        """How timed cases are compared: with another stack, or with themselves."""
        from pytest_mlmodelscope.verdict import aa, gate

        margin = self._numbers["margin"]
        return {
            "against": self._against,
            "aa": aa.BLOCKS if value(self._config, "aa") else 0,
            "margin": gate.MARGIN if margin is None else margin / 100,
        }

    def _limits(self) -> Limits:
        from pytest_mlmodelscope.agent.limits import Limits

        limits = Limits(isolation=self._isolation)
        seconds, gigabytes = self._numbers["timeout"], self._numbers["memory"]
        if seconds is not None:
            limits = dataclasses.replace(limits, predict_s=seconds)
        if gigabytes is not None:
            limits = dataclasses.replace(limits, memory_bytes=int(gigabytes * 1e9))
        return limits


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much evidence is taken: at most ``sample`` items of a dataset (None: all), or as many as decide. A verdict
    is wrong with a probability of at most ``error``.
    """

    sample: int | None = None
    sequential: bool = False
    error: float = 0.05


def evidence(text: str | None) -> Evidence:
    """What ``--mlms-evidence`` asks for.

    Raises:
        UsageError: it is none of ``full``, ``sample:N``, ``sequential`` and ``sequential:ERROR``.
    """
    kind, _, detail = str(text or "full").partition(":")
    if kind == "sample" and detail.isdigit() and int(detail) >= 1:
        return Evidence(sample=int(detail))
    if kind == "sequential":
        error = _share(detail) if ":" in str(text) else 0.05
        if 0 < error < 0.5:
            return Evidence(sequential=True, error=error)
    if kind != "full" or detail:
        expected = "full, sample:N, sequential or sequential:ERROR, such as sequential:1%"
        raise pytest.UsageError(f"--mlms-evidence: expected {expected}, got {text!r}")
    return Evidence()


def _share(text: str) -> float:
    """A number, or one of hundred; NaN for anything else."""
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return math.nan


def against(config: pytest.Config) -> str | None:
    """The stack that timed cases are compared with, if any.

    Raises:
        UsageError: it is none, or they are to be compared with themselves, too.
    """
    text: str | None = value(config, "against")
    if text is None:
        return None
    if value(config, "aa"):
        raise pytest.UsageError("--mlms-aa compares with nothing else: leave out --mlms-against")
    selection([text], [])  # refuses what is no framework
    return text


def number(config: pytest.Config, name: str) -> float | None:
    """A positive number given for an option.

    Raises:
        UsageError: it is not one.
    """
    text = value(config, name)
    if text is None:
        return None
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not amount > 0:
        raise pytest.UsageError(f"--mlms-{name}: expected a positive number, got {text!r}")
    return amount


def one_of(config: pytest.Config, name: str, choices: Sequence[Choice]) -> Choice:
    """One of the choices of an option, the first unless another is given.

    Raises:
        UsageError: it is none of them.
    """
    text = value(config, name) or choices[0]
    found = next((choice for choice in choices if choice == text), None)
    if found is None:
        raise pytest.UsageError(f"--mlms-{name}: expected {', '.join(choices)}, got {text!r}")
    return found


def seconds_for_cause(text: str | None) -> float:
    """How long to look for the cause of a refuted figure: 30 seconds, a number of them, or 0 for off.

    Raises:
        UsageError: it is neither.
    """
    if text == "off":
        return 0.0
    try:
        seconds = float(text or USUAL_SECONDS)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise pytest.UsageError(f"--mlms-why: expected off or a number of seconds, got {text!r}")
    return seconds

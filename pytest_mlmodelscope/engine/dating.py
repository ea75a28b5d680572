"""The wiring of a bisection over releases: which version of a framework is the first that behaves otherwise."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pytest_mlmodelscope.bisection import design
from pytest_mlmodelscope.bisection.releases import Answer, Found, first_bad, steps
from pytest_mlmodelscope.core.result import Case
from pytest_mlmodelscope.engine.run import Engine
from pytest_mlmodelscope.engine.stacks import Say, Stacks, Unmeasured

#: What a version may be the first of.
By = Literal["time", "figure", "decisions", "outputs"]
BY: Final[dict[By, str]] = {
    "time": "is slower or faster",
    "figure": "has another figure",
    "decisions": "decides otherwise",
    "outputs": "gives other outputs",
}


@dataclass(frozen=True, slots=True)
class Dated:
    """What came of it: ``by`` is in what the two ends differ (None: in nothing), ``answers`` what each version that was
    asked for is, ``figures`` their figures, ``change`` the one from good to bad as ``Stacks.change`` gives it.
    """

    case: str
    versions: tuple[str, ...]
    by: By | None
    found: Found | None
    change: tuple[float, float, float]
    answers: Mapping[str, Answer]
    why: Mapping[str, str]
    figures: Mapping[str, tuple[float, ...]]
    unit: str
    seconds: float


class Dating:
    """Looks for the version of a case's framework, between a good and a bad one, that made the change."""

    def __init__(self, engine: Engine, case: Case, versions: Sequence[str], say: Say, budget: float) -> None:
        self._case, self._versions, self._say = case, list(versions), say
        self._stacks = Stacks[str](engine, case, self._stack, say, budget)
        self._good, self._bad = versions[0], versions[-1]
        self._answers: dict[str, Answer] = {}
        self._why: dict[str, str] = {}

    def date(self, rounds: int, by: By | None = None) -> Dated:
        """Measure both ends, then halve what lies between them.

        Raises:
            Unmeasured: one of the ends cannot be measured.
            MlmsError: it takes longer than the budget.
        """
        self._stacks.measure([self._good, self._bad], rounds)
        differs = self._differs(by)
        found = None
        if differs is not None:
            self._say(f"{self._bad} {BY[differs]} than {self._good}: at most {steps(len(self._versions))} steps")
            found = first_bad(self._versions, lambda version: self._ask(version, differs, rounds))
        return Dated(
            case=self._case.id,
            versions=tuple(self._versions),
            by=differs,
            found=found,
            change=self._stacks.change(self._good, self._bad),
            answers={self._good: "good", **self._answers, self._bad: "good" if differs is None else "bad"},
            why=self._why,
            figures={version: tuple(self._stacks.figures(version)) for version in self._stacks.results},
            unit=self._case.claim.unit,
            seconds=self._stacks.seconds,
        )

    def _stack(self, version: str) -> tuple[Case, str]:
        framework = self._case.framework.name
        return dataclasses.replace(self._case, requirement=f"=={version}"), f"{framework} {version}"

    def _differs(self, by: By | None) -> By | None:
        """In what the two ends differ, the weightiest first; or in what was asked for."""
        ways: list[By] = [by] if by else list(BY)
        for way in ways:
            if (way == "time") == self._stacks.timed and self._is_other(self._bad, way):
                return way
        return None

    def _is_other(self, version: str, by: By) -> bool:
        """Whether a version is not as the good one is."""
        value, low, high = self._stacks.change(self._good, version)
        if by == "time":
            edge = math.log1p(design.CHANGE)
            return low > edge or high < -edge
        if by == "figure":
            return value != 0
        found = self._stacks.answers(self._good, version)
        return found is not None and (by == "outputs" or found.differing != 0)

    def _ask(self, version: str, by: By, rounds: int) -> Answer:
        try:
            self._answers[version] = self._timed(version, rounds) if by == "time" else self._exact(version, by)
        except Unmeasured as error:
            self._stacks.results.pop(version, None)
            self._answers[version], self._why[version] = "skip", str(error.got).partition("\n")[0]
        self._say(f"{version} is {self._answers[version]}")
        return self._answers[version]

    def _exact(self, version: str, by: By) -> Answer:
        self._stacks.measure([version], 1)
        return "bad" if self._is_other(version, by) else "good"

    def _timed(self, version: str, rounds: int) -> Answer:
        """On which side of the middle between good and bad: all three are measured anew, as the machine may not be
        what it was; each step at its part of the error rate.
        """
        fresh = self._stacks.anew()
        fresh.measure([self._good, version, self._bad], rounds)
        self._stacks.results[version] = fresh.results[version]
        alarm = design.ALARM / max(1, steps(len(self._versions)))
        middle = [math.sqrt(a * b) for a, b in zip(fresh.figures(self._good), fresh.figures(self._bad), strict=True)]
        _, low, high = design.change(middle, fresh.figures(version), alarm)
        if low <= 0 <= high:
            self._why[version] = "it lies between the two, or they vary too much"
            return "unclear"
        is_up = fresh.change(self._good, self._bad)[0] > 0
        return "bad" if (low > 0) == is_up else "good"

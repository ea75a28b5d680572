"""Stacks of one case that are measured in turn, to and fro, within a budget."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from pytest_mlmodelscope.bisection import design
from pytest_mlmodelscope.claim.expand import kind_of
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.result import Case, Result
from pytest_mlmodelscope.engine.run import Engine
from pytest_mlmodelscope.record.case import case_record
from pytest_mlmodelscope.record.flips import Flip, flip
from pytest_mlmodelscope.verdict.disturbance import marked

Say = Callable[[str], None]
_Name = TypeVar("_Name")


class Unmeasured(MlmsError):
    """A stack gave no figure; ``absent`` says that it cannot be had here."""

    absent: bool = False


class Stacks(Generic[_Name]):
    """Measures the stacks that ``make`` makes of a name.

    ``say`` gets a sentence now and then, ``budget`` is in seconds. A timed stack is measured by one process run at a
    time, any other just once, as nothing in it varies.
    """

    def __init__(
        self, engine: Engine, case: Case, make: Callable[[_Name], tuple[Case, str]], say: Say, budget: float
    ) -> None:
        self.timed = kind_of(case.claim) == "timed"
        self._engine, self._make, self._say, self._budget = engine, make, say, budget
        self.results: dict[_Name, list[Result]] = {}
        self._started = time.monotonic()
        self._expected = 0

    @property
    def seconds(self) -> float:
        """Since the first was asked for."""
        return time.monotonic() - self._started

    def anew(self) -> Stacks[_Name]:
        """The same stacks without what was measured, within the same budget."""
        fresh = copy.copy(self)
        fresh.results = {}
        return fresh

    def measure(self, names: Sequence[_Name], rounds: int) -> None:
        """So many results of each of these, those that are there already counted: A B B A.

        Raises:
            Unmeasured: one gives no figure.
            MlmsError: the budget is spent.
        """
        rounds = rounds if self.timed else 1
        self._expected = len(names) * rounds
        for number in range(rounds):
            for name in names if number % 2 == 0 else reversed(names):
                if len(self.results.get(name, ())) <= number:
                    self._one(name)

    def _one(self, name: _Name) -> None:
        began = time.monotonic()
        self.results.setdefault(name, []).append(self._verified(name))
        done = sum(map(len, self.results.values()))
        if done == 2 and self._expected > 2:  # the first may have paid for files and environments
            told = (time.monotonic() - began) * (self._expected - done)
            self._say(f"about {told:.0f} s more, if the other {self._expected - done} measurements take as long")
        if self.seconds > self._budget and done < self._expected:
            got = f"{done} of {self._expected} measurements"
            raise MlmsError(f"the budget of {self._budget:.0f} s is spent", got=got, hint="--budget SECONDS")

    def _verified(self, name: _Name) -> Result:
        case, words = self._make(name)
        self._say(f"measuring {words}")
        result = self._engine.verify(case.under(runs=1) if self.timed else case)
        if result.measurement is None or not math.isfinite(result.measurement.value):
            error = Unmeasured("a stack cannot be measured", where=words, got=result.verdict.reason)
            error.absent = result.verdict.word == "not_applicable"
            raise error
        return result

    @property
    def disturbed(self) -> int:
        """Of how many measurements the process run was disturbed."""
        return sum(bool(marked(result.watched)) for found in self.results.values() for result in found)

    def figures(self, name: _Name) -> list[float]:
        """Of each measurement, in the claim's unit."""
        return [result.measurement.value for result in self.results[name] if result.measurement is not None]

    def change(self, a: _Name, b: _Name, alarm: float = design.ALARM) -> tuple[float, float, float]:
        """From a to b: the logarithm of the ratio of what was timed, else the difference; and its interval."""
        one, other = self.figures(a), self.figures(b)
        if self.timed:
            shared = min(len(one), len(other))
            return design.change(one[:shared], other[:shared], alarm)
        return (other[0] - one[0],) * 3

    def answers(self, a: _Name, b: _Name) -> Flip | None:
        """What b answers otherwise than a; None where nothing."""
        return flip(case_record(self.results[a][0]), case_record(self.results[b][0]))

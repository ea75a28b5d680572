"""The wiring of a bisection: what differs is swapped, until what made the difference is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_mlmodelscope.bisection import design
from pytest_mlmodelscope.bisection.design import Cell, Share
from pytest_mlmodelscope.bisection.factors import Factor, in_words, stack
from pytest_mlmodelscope.claim.expand import kind_of
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.result import Case
from pytest_mlmodelscope.engine.run import Engine
from pytest_mlmodelscope.engine.stacks import Say, Stacks, Unmeasured
from pytest_mlmodelscope.record.flips import Flip
from pytest_mlmodelscope.verdict.baseline import LEAST_COUNTED_NOISE

#: Rounds of a timed bisection; as many again where something is undecided after them.
ROUNDS: Final = 6
_LOOKS: Final = 2
_A: Final[Cell] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured: so many ``stacks``, timed ones once in each of the ``rounds``, and ``how`` they are chosen."""

    kind: str
    factors: tuple[Factor, ...]
    stacks: int
    rounds: int
    how: str

    @property
    def runs(self) -> int:
        """Measurements until the first look."""
        return self.stacks * self.rounds


@dataclass(frozen=True, slots=True)
class Bisection:
    """What came of it. ``change`` is the logarithm of b's figure over a's where it was timed, else b's less a's, with
    the ends of its interval; ``made`` says whether that is a change. ``shares`` are what each difference is worth in
    ``of``, ``answers`` what b answers otherwise, ``figures`` those of each stack, of which so many are ``disturbed``.
    """

    case: str
    plan: Plan
    unit: str
    change: tuple[float, float, float]
    made: bool
    shares: tuple[Share, ...]
    of: str
    figures: Mapping[str, tuple[float, ...]]
    answers: Flip | None
    rounds: int
    seconds: float
    disturbed: int = 0


def plan(case: Case, factors: Sequence[Factor], rounds: int = ROUNDS) -> Plan:
    """What would be measured of these differences.

    Raises:
        UsageError: there is nothing to swap, or this kind of claim has no figure.
    """
    if not factors:
        raise UsageError("nothing that can be swapped here differs", hint="name what differs: --vary threads=1,2")
    kind, number = kind_of(case.claim), len(factors)
    if kind == "check":
        raise UsageError("a check has no figure that could be attributed", where=case.id)
    rounds = rounds if kind == "timed" else 1
    if number <= design.FULL:
        return Plan(kind, tuple(factors), 2**number, rounds, "every combination")
    how = "A and B, halves of the differences (ddmin), then every combination of those that are needed"
    return Plan(kind, tuple(factors), 2 + 2 * (number - 1).bit_length() + 2**design.FULL, rounds, how)


class Bisector:
    """Swaps the differences of one case; ``say`` gets a sentence now and then, ``budget`` is in seconds."""

    def __init__(self, engine: Engine, case: Case, factors: Sequence[Factor], say: Say, budget: float) -> None:
        self._case, self._say = case, say
        self._groups: dict[str, tuple[Factor, ...]] = {factor.name: (factor,) for factor in factors}
        self._stacks = Stacks[Cell](engine, case, self._stack, say, budget)

    def bisect(self, rounds: int = ROUNDS) -> Bisection:
        """Measure, and attribute the change.

        Raises:
            Unmeasured: a stack cannot be measured.
            MlmsError: it takes longer than the budget.
        """
        planned = plan(self._case, [one for group in self._groups.values() for one in group], rounds)
        while True:
            try:
                return self._found(planned, self._attributed(planned.rounds))
            except Unmeasured as error:
                if not error.absent or not self._joined():
                    raise
                self._say(f"that combination cannot be had: {', '.join(self._groups)}")

    def _joined(self) -> bool:
        """Whether packages could be joined with the framework's version, without which they may not be had."""
        tied = [name for name in self._groups if name.startswith("package.")]
        if "version" not in self._groups or not tied:
            return False
        together = tuple(one for name in ("version", *tied) for one in self._groups[name])
        self._groups = {name: group for name, group in self._groups.items() if name not in ("version", *tied)}
        self._groups["+".join(one.name for one in together)] = together
        self._stacks.results = {cell: found for cell, found in self._stacks.results.items() if cell == _A}
        return True

    def _attributed(self, rounds: int) -> list[Share]:
        """What each of the differences that are needed for the change is worth."""
        names = list(self._groups)
        if len(names) > design.FULL:
            self._stacks.measure([_A, frozenset(names)], rounds)
            if not self._is_change(frozenset(names)):
                return []
            names = design.minimal(names, lambda cell: self._makes(cell, rounds))
            self._say(f"needed for the change: {', '.join(names)}")
        if len(names) > design.FULL:
            return []
        self._look(names, rounds)
        return self._shares(names)

    def _look(self, names: Sequence[str], rounds: int) -> None:
        """Every combination; timed ones again where that does not decide."""
        cells = design.cells(names)
        for number in range(1, (_LOOKS if self._stacks.timed else 1) + 1):
            self._stacks.measure(cells, number * rounds)
            if all(share.word != "undecided" for share in self._shares(names)):
                return
            if number < _LOOKS:
                self._say("not decided yet: as many rounds again")

    def _stack(self, cell: Cell) -> tuple[Case, str]:
        chosen = {one.name: one.b if name in cell else one.a for name, group in self._groups.items() for one in group}
        return stack(self._case, chosen), self._in_words(cell)

    def _in_words(self, cell: Cell) -> str:
        if cell in (_A, frozenset(self._groups)):
            return "B" if cell else "A"
        return f"A with {in_words(one for name in self._groups if name in cell for one in self._groups[name])}"

    # -- judging --------------------------------------------------------------------------

    def _is_change(self, cell: Cell) -> bool:
        """Whether a stack is not as A is: by more than the noise where it was timed or counted, else by anything."""
        value, low, high = self._stacks.change(_A, cell)
        if self._stacks.timed:
            edge = math.log1p(design.CHANGE)
            return low > edge or high < -edge
        return abs(value) > self._least() or self._stacks.answers(_A, cell) is not None

    def _least(self) -> float:
        counted = kind_of(self._case.claim) == "counted"
        return LEAST_COUNTED_NOISE * abs(self._stacks.figures(_A)[0]) if counted else 0.0

    def _makes(self, cell: Cell, rounds: int) -> bool:
        """Whether a stack is nearer to B than to A."""
        everything = frozenset(self._groups)
        self._stacks.measure([_A, cell, everything], rounds)
        if not self._stacks.timed:
            return self._is_change(cell)
        part, whole = self._stacks.change(_A, cell)[0], self._stacks.change(_A, everything)[0]
        return part / whole > 0.5

    def _shares(self, names: Sequence[str]) -> list[Share]:
        cells = design.cells(names)
        if self._stacks.timed:
            rounds = min(len(self._stacks.results[cell]) for cell in cells)
            runs = {cell: self._stacks.figures(cell)[:rounds] for cell in cells}
            return design.timed_shares(names, runs, _LOOKS)
        return design.exact_shares(names, {cell: self._measured(cell) for cell in cells}, self._least())

    def _measured(self, cell: Cell) -> float:
        """The figure; where A and B have the same, the items that are decided otherwise, else how far outputs are."""
        if self._of() == "figure":
            return self._stacks.figures(cell)[0]
        found = self._stacks.answers(_A, cell)
        if found is None:
            return 0.0
        return float((found.differing if self._of() == "decisions" else found.difference) or 0.0)

    def _of(self) -> str:
        """What is attributed."""
        if self._stacks.timed or self._stacks.change(_A, frozenset(self._groups))[0]:
            return "figure"
        found = self._stacks.answers(_A, frozenset(self._groups))
        return "decisions" if found is not None and found.differing else "outputs"

    def _found(self, planned: Plan, shares: Sequence[Share]) -> Bisection:
        everything, stacks = frozenset(self._groups), self._stacks
        stacks.measure([_A, everything], planned.rounds)
        return Bisection(
            case=self._case.id,
            plan=planned,
            unit=self._case.claim.unit,
            change=stacks.change(_A, everything),
            made=self._is_change(everything),
            shares=tuple(shares),
            of=self._of(),
            figures={self._in_words(cell): tuple(stacks.figures(cell)) for cell in stacks.results},
            answers=None if stacks.timed else stacks.answers(_A, everything),
            rounds=max(map(len, stacks.results.values())),
            seconds=stacks.seconds,
            disturbed=stacks.disturbed,
        )

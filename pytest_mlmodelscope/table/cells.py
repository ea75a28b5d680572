"""What a table says, and what was found in it, as frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

#: ``share``: a number of items over another; ``score``: another figure from 0 to 1; ``other``: any number.
Kind = Literal["share", "score", "other"]
#: What may be found; ``impossible`` is certain, all others have an error rate.
Fault = Literal[
    "impossible",
    "framework",
    "machine",
    "outlier",
    "disagreement",
    "shift",
    "twins",
    "implausible",
    "claim",
    "spread",
]
#: The verdict on one figure.
Word = Literal["confirmed", "refuted", "suspect", "consistent", "inconclusive"]
VERDICTS: Final[tuple[Word, ...]] = get_args(Word)


@dataclass(frozen=True, slots=True)
class Metric:
    """What a column measures. ``k`` is that of a top-k figure; ``error``: the lower the better."""

    name: str
    kind: Kind
    k: int | None = None
    error: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """A claimed figure in the unit of the cell; ``half`` is half a unit of its last digit."""

    value: float
    half: float
    tolerance: float | None = None
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of a table, of line ``line``.

    Shares and scores are fractions, whatever they were printed in; ``half`` is half a unit of the
    last printed digit, as a fraction too. ``n`` is None where nothing says how many items there were.
    """

    line: int
    model: str
    framework: str
    machine: str
    metric: Metric
    value: float
    half: float
    text: str
    n: int | None = None
    dataset: str = ""
    precision: str = ""
    batch: str = ""
    unit: str = ""
    published: Published | None = None

    @property
    def stack(self) -> str:
        """The framework and the machine, in words."""
        return " on ".join(part for part in (self.framework, self.machine) if part) or "its only stack"


@dataclass(frozen=True, slots=True)
class Table:
    """All figures of a file, in its order; ``notes`` say what was taken for granted."""

    path: str
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """How a table is judged.

    ``error_rate`` is the share of clean tables in which anything is found, at most. ``flips`` is the
    share of items that two stacks of one model may decide otherwise for numerical reasons. ``paired``:
    the rows of one model are about the same items. ``census``: a claim is about these very items.
    ``tolerance`` is a fraction of 1 that every claim admits besides.
    """

    error_rate: float = 0.05
    flips: float = 0.01
    paired: bool = True
    census: bool = False
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, or very unlikely to be right.

    ``cells`` are the numbers of the cells in the table. ``size`` names the class of a difference,
    ``p`` is the probability of it in a clean table, corrected for all tests of its family (None where
    it is certain).
    """

    kind: Fault
    text: str
    cells: tuple[int, ...]
    size: str = ""
    p: float | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A table with what was found, and for each cell a verdict and its reason."""

    table: Table
    rules: Rules
    findings: tuple[Finding, ...]
    verdicts: tuple[Word, ...]
    reasons: tuple[str, ...]
    tests: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

"""What came of a case: the case itself, its measurement, its verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pytest_mlmodelscope.core.claim import NOTHING, Claim
from pytest_mlmodelscope.core.manifest import DatasetManifest, FrameworkUse, ModelManifest

Word = Literal["confirmed", "refuted", "inconclusive", "not_applicable", "error"]
WORDS: tuple[Word, ...] = ("confirmed", "refuted", "inconclusive", "not_applicable", "error")


@dataclass(frozen=True, slots=True)
class Case:
    """Claim x framework x target: what one test checks.

    ``requirement`` is what the claim asks of the framework's version (``>=2``), if anything.
    """

    claim: Claim
    model: ModelManifest
    framework: FrameworkUse
    target: str
    dataset: DatasetManifest | None = None
    requirement: str = ""

    def under(self, **changes: Any) -> Case:
        """The case under other conditions, by the names that ``Conditions`` has for them."""
        conditions = replace(self.claim.conditions, **changes)
        return replace(self, claim=replace(self.claim, conditions=conditions))

    @property
    def id(self) -> str:
        """The same on every machine, without brackets (pytest's ``--lf`` reads those)."""
        version = self.requirement.replace(" ", "")
        # The address of another machine has signs that a name in pytest, or of a file, cannot have.
        target = re.sub(r"[^A-Za-z0-9.]+", "-", self.target).strip("-")
        return f"{self.claim.id}-{self.framework.name}{version}-{target}"


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval in the claim's unit; ``method`` says how it was found."""

    low: float
    high: float
    confidence: float
    method: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measured figure in the claim's unit, with what is needed to judge it.

    ``n`` counts items for figures of accuracy, queries for timed ones and inputs of a check; ``failed`` the items
    for which the model gave no answer (they count as wrong and are never dropped). ``runs``
    holds the figure of each process run of a timed metric, of each call of a counted one. ``census``
    says that every item the claim speaks of was evaluated, so that there is no sampling error. ``p`` is the
    probability of evidence as bad where the claim is true, None where nothing is left to chance.
    """

    value: float
    unit: str
    n: int
    interval: Interval
    census: bool = False
    failed: int = 0
    runs: tuple[float, ...] = ()
    kind: str = "items"
    p: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One of the five words, with the reason a reader can check."""

    word: Word
    reason: str


@dataclass(frozen=True, slots=True)
class BaselineComparison:
    """The measurement against what this target measured before.

    ``status`` is *none* (nothing recorded for this target), *same* (timed figures: *equivalent* within the
    noise, or *inconclusive*), *better*, *worse* or *other* (recorded under other conditions:
    it judges nothing).
    """

    status: Literal["none", "same", "equivalent", "inconclusive", "better", "worse", "other"]
    reason: str
    value: float | None = None
    noise: float | None = None


NO_BASELINE = BaselineComparison("none", "no baseline of this target")


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that one case yields; ``record`` turns it into JSON.

    ``timings_ns`` are the latencies of single queries (timed metrics only), ``steps`` the total
    seconds of each named part of the run, ``software`` what the worker said of itself,
    ``predictions`` a digest and a place of the predictions of single items, ``outputs`` the same
    of what the model gave before any step, ``check`` what a check looked at and found, ``machine`` what
    it was measured on (its class, device, name, nature...), ``turn`` for whom a timed one had to wait,
    ``watched`` what its device did meanwhile, ``evidence`` what the figure rests on where that is not
    the hardware itself, as *simulated*; ``plan`` how much evidence a figure over items was to take and
    took, ``timing`` what is known of a timed one's runs, ``cause`` what explains a refuted one.
    """

    case: Case
    verdict: Verdict
    measurement: Measurement | None = None
    baseline: BaselineComparison = NO_BASELINE
    timings_ns: tuple[int, ...] = ()
    steps: Mapping[str, float] = field(default_factory=lambda: NOTHING)
    software: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    predictions: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    data_digest: str | None = None
    seconds: float = 0.0
    check: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    outputs: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    machine: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    turn: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    watched: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    evidence: str = ""
    plan: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    timing: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    cause: Mapping[str, Any] = field(default_factory=lambda: NOTHING)

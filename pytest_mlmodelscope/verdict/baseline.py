"""A measurement against what this very target measured before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_mlmodelscope.core.baseline import Baseline
from pytest_mlmodelscope.core.claim import Claim, Direction
from pytest_mlmodelscope.core.result import NO_BASELINE, BaselineComparison, Measurement
from pytest_mlmodelscope.verdict.gate import MARGIN, between
from pytest_mlmodelscope.verdict.judge import figure

#: A timed figure is never called slower within this factor: two identical runs differ as much.
LEAST_TIMED_NOISE = MARGIN
#: A counted figure within this factor, where those of several layouts of memory lie no farther apart.
LEAST_COUNTED_NOISE = 0.005


def noise(measurement: Measurement) -> float:
    """How far two measurements of the same thing may differ, in the figure's unit.

    One item for figures over items (a tie that falls the other way is numerics, not a loss); the
    spread of the process runs for timed ones; that of single calls for what is counted.
    """
    if measurement.kind == "items":
        scale = 100.0 if measurement.unit == "%" else 1.0
        return scale / max(measurement.n, 1)
    if not measurement.runs:
        return 0.0
    spread = max(measurement.runs) - min(measurement.runs)
    if measurement.kind == "counted":
        return max(spread, LEAST_COUNTED_NOISE * abs(measurement.value))
    return max(spread / 2, LEAST_TIMED_NOISE * abs(measurement.value))


@dataclass(frozen=True, slots=True)
class Key:
    """What two measurements must share to be comparable, besides case and machine."""

    conditions: Mapping[str, Any]
    model_digest: str
    data_digest: str | None

    def differs(self, other: Key) -> str | None:
        """The first thing that is not the same, in words."""
        if self.model_digest != other.model_digest:
            return "the model's manifest has changed"
        if self.data_digest != other.data_digest:
            return "the dataset's manifest has changed"
        for name, now in self.conditions.items():
            then = other.conditions.get(name)
            if then != now:
                return f"{name} was {then!r} and is {now!r}"
        return None


def compare(claim: Claim, measurement: Measurement, key: Key, before: Baseline | None) -> BaselineComparison:
    """Better, worse or the same as the baseline (timed figures: equivalent, or inconclusive); *other* where the two are
    not comparable.
    """
    if before is None:
        return NO_BASELINE
    differing = key.differs(Key(before.conditions, before.model_digest, before.data_digest))
    if before.unit != measurement.unit:
        differing = f"the unit was {before.unit} and is {measurement.unit}"
    if differing:
        return BaselineComparison("other", f"the baseline is not comparable: {differing}", before.value, before.noise)
    if measurement.kind == "timed":
        return _compare_timed(claim, measurement, before)
    return _compare_exact(claim, measurement, before)


def _gain(direction: Direction, now: float, then: float) -> float:
    """How much better ``now`` is; a figure that ought to stay only loses by moving."""
    if direction == "equal":
        return -abs(now - then)
    return now - then if direction == "higher" else then - now


def _compare_exact(claim: Claim, measurement: Measurement, before: Baseline) -> BaselineComparison:
    if measurement.kind == "items" and measurement.n != before.n:
        return BaselineComparison(
            "other", f"the baseline has {before.n:,} items, this run {measurement.n:,}", before.value, before.noise
        )
    gain = _gain(claim.direction, measurement.value, before.value)
    return _told(claim, measurement, before, gain, abs(gain) <= before.noise * (1 + 1e-9))


def _compare_timed(claim: Claim, measurement: Measurement, before: Baseline) -> BaselineComparison:
    """Worse only when the interval of the ratio lies wholly beyond the recorded noise: nobody knows what else changed
    between the two days.
    """
    found = between(measurement.runs, before.runs, before.noise / before.value if before.value else 0.0)
    gain = _gain(claim.direction, measurement.value, before.value)
    if found.word in ("slower", "faster"):
        return _told(claim, measurement, before, gain, same=False)
    now, then = figure(measurement.value, claim.unit), figure(before.value, claim.unit)
    limit = figure(before.noise, claim.unit, 2)
    if found.word == "equivalent":
        text = f"{now} is equivalent to the baseline {then}, within its noise of {limit}"
        return BaselineComparison("equivalent", text, before.value, before.noise)
    text = f"{now} against the baseline {then}, whose noise is {limit}: inconclusive; {found.wanted}"
    return BaselineComparison("inconclusive", text, before.value, before.noise)


def _told(claim: Claim, measurement: Measurement, before: Baseline, gain: float, same: bool) -> BaselineComparison:
    now, then = figure(measurement.value, claim.unit), figure(before.value, claim.unit)
    if same:
        return BaselineComparison("same", f"{now}, as recorded ({then})", before.value, before.noise)
    status = "better" if gain > 0 else "worse"
    by = figure(abs(measurement.value - before.value), claim.unit, 3)
    share = f" ({abs(measurement.value / before.value - 1):.1%})" if before.value else ""
    limit = figure(before.noise, claim.unit, 2)
    text = f"{now} is {status} than the baseline {then} by {by}{share}, beyond its noise of {limit}"
    return BaselineComparison("better" if gain > 0 else "worse", text, before.value, before.noise)

"""A measurement against a claim."""

from __future__ import annotations

import math

from pytest_mlmodelscope.core.claim import Claim
from pytest_mlmodelscope.core.result import Measurement, Verdict

# Rounding in the last bits of a float must not decide: 0.9935 * 100 is 99.35000000000001.
_SLACK = 1e-9


def judge(claim: Claim, measurement: Measurement) -> Verdict:
    """Confirmed when the whole interval lies inside the claim's bounds, refuted when it lies
    outside, else inconclusive. Other data than the author's never decide.
    """
    if not math.isfinite(measurement.value):
        return Verdict("inconclusive", f"{claim.metric} is undefined on these {measurement.n} items")
    if claim.dataset is not None and claim.dataset.relation == "other" and measurement.kind == "items":
        return Verdict("inconclusive", _other_data(claim, measurement))
    low, high = widened(claim)
    interval = measurement.interval
    if low <= interval.low and interval.high <= high:
        return Verdict("confirmed", _confirmed(claim, measurement))
    if interval.high < low or high < interval.low:
        return Verdict("refuted", _refuted(claim, measurement))
    return Verdict("inconclusive", _inconclusive(claim, measurement))


def widened(claim: Claim) -> tuple[float, float]:
    """What the claim admits, in its unit, with room for the last bits of a float."""
    low, high = claim.bounds
    slack = _SLACK * max(abs(claim.value), 1e-12)
    return low - slack, high + slack


def figure(value: float, unit: str, digits: int = 6) -> str:
    """A figure with its unit, to so many significant digits at most."""
    text = f"{value:.{digits}g}"
    return text if unit == "1" else f"{text} {unit}"


def admitted(claim: Claim) -> str:
    """What the claim admits, in words."""
    low, high = claim.bounds
    if math.isinf(high):
        return f"at least {figure(low, claim.unit)}"
    if math.isinf(low):
        return f"at most {figure(high, claim.unit)}"
    return f"{figure(low, claim.unit)} to {figure(high, claim.unit)}"


def _confirmed(claim: Claim, measurement: Measurement) -> str:
    text = f"{figure(measurement.value, claim.unit)} is within the claim ({admitted(claim)})"
    margin = max(claim.tolerance.margin(claim.value), abs(claim.value) * _SLACK)
    gain = measurement.value - claim.value if claim.direction == "higher" else claim.value - measurement.value
    if measurement.kind == "items" and claim.direction != "equal" and gain > margin:
        text += f"; better than published by {figure(gain, claim.unit, 3)}"
    return text + _calls(claim, measurement)


def _calls(claim: Claim, measurement: Measurement) -> str:
    """Between what the counts of single calls lie, where they are not all the same."""
    low, high = measurement.interval.low, measurement.interval.high
    if measurement.kind != "counted" or low == high:
        return ""
    return f"; single calls take {figure(low, claim.unit)} to {figure(high, claim.unit)}"


def _refuted(claim: Claim, measurement: Measurement) -> str:
    low, high = claim.bounds
    missed = low - measurement.value if measurement.value < low else measurement.value - high
    side = "below" if measurement.value < low else "above"
    return (
        f"{figure(measurement.value, claim.unit)} is {figure(missed, claim.unit, 3)} {side} "
        f"what the claim admits ({admitted(claim)})"
    )


def _other_data(claim: Claim, measurement: Measurement) -> str:
    assert claim.dataset is not None  # judge asks for it
    published = claim.dataset.published_name or "the author's own data"
    return (
        f"{figure(measurement.value, claim.unit)} was measured on {claim.dataset.name}, "
        f"the claim is about {published}: other data cannot decide it"
    )


def _inconclusive(claim: Claim, measurement: Measurement) -> str:
    interval = measurement.interval
    span = f"{figure(interval.low, claim.unit, 4)} to {figure(interval.high, claim.unit, 4)}"
    text = f"the interval {span} reaches across the edge of what the claim admits ({admitted(claim)})"
    if measurement.kind == "counted":
        return f"{text}; single calls differ as much"
    return text + more_to_come(claim, measurement)


def more_to_come(claim: Claim, measurement: Measurement) -> str:
    """How much more would decide, in words that follow others."""
    needed = more_needed(claim, measurement)
    word = "items" if measurement.kind == "items" else "process runs"
    if needed == 1:
        word = word.removesuffix("s")
    if needed is None:
        return f"; the figure lies on the edge, more {word} would hardly decide"
    return f"; about {needed:,} more {word} would decide"


def more_needed(claim: Claim, measurement: Measurement) -> int | None:
    """How many more items or process runs would bring the interval to one side of the edge.

    The width shrinks with the square root of the number; None when the figure lies so near to
    the edge that no sensible number would do.
    """
    edges = [edge for edge in claim.bounds if math.isfinite(edge)]
    edge = min(edges, key=lambda edge: abs(measurement.value - edge))
    distance = abs(measurement.value - edge)
    interval = measurement.interval
    half = measurement.value - interval.low if edge < measurement.value else interval.high - measurement.value
    have = len(measurement.runs) or measurement.n
    if distance <= half * 1e-3 or not math.isfinite(half):
        return None
    return max(1, math.ceil(have * (half / distance) ** 2) - have)

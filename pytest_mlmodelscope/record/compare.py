"""Two measurements of one case: how far they lie apart, and whether that is more than chance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pytest_mlmodelscope.verdict.baseline import LEAST_COUNTED_NOISE, LEAST_TIMED_NOISE
from pytest_mlmodelscope.verdict.gate import Decision, between

Judgement = Literal["same", "equivalent", "inconclusive", "better", "worse", "not_comparable"]

#: Process runs on either side that a ratio takes at least.
LEAST_RUNS: Final = 3
#: What must agree before two figures can be compared.
KEYS: Final = ("model_digest", "data_digest", "dataset", "metric", "unit", "conditions")


_NOT_COMPARABLE: Final[tuple[Judgement, str]] = ("not_comparable", "")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is not the same in both; ``place`` says what, None that one has no such thing."""

    place: str
    a: Any
    b: Any


@dataclass(frozen=True, slots=True)
class Value:
    """One side's figure; an end of the interval that is None has no bound."""

    value: float
    low: float | None
    high: float | None
    n: int
    census: bool
    kind: str | None


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure in both records, in ``unit``.

    ``absolute`` is b less a, ``relative`` that as a fraction of a (None when a is 0), ``ratio``
    the 99.5 % interval of b over a (timed figures with enough runs). *same* means that
    nothing lies beyond the uncertainty; of timed figures it is told whether they are *equivalent* or that is
    *inconclusive*; ``basis`` says how that was found, ``differing`` what
    makes the two incomparable.
    """

    id: str
    claim: str
    framework: str
    metric: str
    unit: str
    a: Value
    b: Value
    absolute: float
    relative: float | None
    ratio: tuple[float, float] | None
    judgement: Judgement
    basis: str
    differing: tuple[Fact, ...] = ()


def compare(a: Mapping[str, Any], b: Mapping[str, Any]) -> Figure | None:
    """The figures of one case in two records; None unless both measured something."""
    if a["measured"] is None or b["measured"] is None:
        return None
    differing = tuple(facts({key: a[key] for key in KEYS}, {key: b[key] for key in KEYS}))
    decision = None if differing else _decision(a, b)
    judgement, basis = _NOT_COMPARABLE if differing else _judged(a, b, decision)
    change = b["measured"] - a["measured"]
    return Figure(
        id=b["id"],
        claim=b["claim"],
        framework=b["framework"],
        metric=b["metric"],
        unit=b["unit"],
        a=_value(a),
        b=_value(b),
        absolute=change,
        relative=change / abs(a["measured"]) if a["measured"] else None,
        ratio=None if decision is None else (decision.low, decision.high),
        judgement=judgement,
        basis=basis,
        differing=differing,
    )


def facts(a: Mapping[str, Any], b: Mapping[str, Any], place: str = "") -> Iterator[Fact]:
    """What differs between two mappings, those inside them included, in a's order."""
    for key in [*a, *(key for key in b if key not in a)]:
        inner = f"{place}.{key}" if place else str(key)
        left, right = a.get(key), b.get(key)
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            yield from facts(left, right, inner)
        elif left != right:
            yield Fact(inner, left, right)


def _value(case: Mapping[str, Any]) -> Value:
    interval = case["interval"] or {"low": None, "high": None}
    return Value(case["measured"], interval["low"], interval["high"], case["n"], case["census"], case["kind"])


def _decision(a: Mapping[str, Any], b: Mapping[str, Any]) -> Decision | None:
    """How b's process runs lie against a's, as two that were not interleaved; None where there are too few."""
    then, now = ([run for run in case["runs"] if run is not None and run > 0] for case in (a, b))
    if b["kind"] != "timed" or min(len(then), len(now)) < LEAST_RUNS:
        return None
    return between(now, then, LEAST_TIMED_NOISE)


def _beyond(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether the change is more than the uncertainty, and how that was found."""
    if a["census"] and b["census"] and b["kind"] == "items":
        item = (100.0 if b["unit"] == "%" else 1.0) / max(b["n"], 1)
        return abs(b["measured"] - a["measured"]) > item * (1 + 1e-9), "more than one item"
    if b["kind"] == "counted":
        share = f"more than {LEAST_COUNTED_NOISE:.1%}, and intervals apart"
        return _disjoint(_value(a), _value(b)) and _changed_by(a, b) > LEAST_COUNTED_NOISE, share
    return _disjoint(_value(a), _value(b)), "intervals apart"


def _changed_by(a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
    """As a share of what it was."""
    return float(abs(b["measured"] - a["measured"]) / abs(a["measured"])) if a["measured"] else math.inf


def _disjoint(a: Value, b: Value) -> bool:
    return _above(a, b) or _above(b, a)


def _above(upper: Value, lower: Value) -> bool:
    return upper.low is not None and lower.high is not None and upper.low > lower.high


def _judged(a: Mapping[str, Any], b: Mapping[str, Any], decision: Decision | None) -> tuple[Judgement, str]:
    """Better, worse or neither, and by what rule."""
    gained = gain(b, a["measured"], b["measured"])
    if a["measured"] == b["measured"]:
        return "same", "the very same figure"
    if decision is None:
        beyond, basis = _beyond(a, b)
        return ("same" if not beyond or not gained else "better" if gained > 0 else "worse"), basis
    if decision.word == "equivalent":
        return "equivalent", f"ratio within {LEAST_TIMED_NOISE:.0%}"
    if decision.word == "inconclusive":
        return "inconclusive", decision.wanted
    return ("better" if gained > 0 else "worse"), f"ratio beyond {LEAST_TIMED_NOISE:.0%}"


def gain(case: Mapping[str, Any], then: float, now: float) -> float:
    """How much better ``now`` is; a figure that ought to be met is better the nearer it comes."""
    if case["direction"] == "equal":
        return float(abs(then - case["published"]) - abs(now - case["published"]))
    return float(now - then if case["direction"] == "higher" else then - now)

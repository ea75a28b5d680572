"""From predictions and timings to a measurement: the figure, its unit, its interval."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.claim import Claim
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.result import Interval, Measurement
from pytest_mlmodelscope.core.units import factor
from pytest_mlmodelscope.interfaces.metric import (
    CountedEvidence,
    DeviceEvidence,
    ItemEvidence,
    StaticEvidence,
    TimedEvidence,
)
from pytest_mlmodelscope.verdict import chance, intervals
from pytest_mlmodelscope.verdict.judge import widened
from pytest_mlmodelscope.verdict.sequential import Question


def of_items(claim: Claim, evidence: ItemEvidence, available: int) -> Measurement:
    """The figure over items; ``available`` is how many the split holds.

    Everything that the claim speaks of was evaluated (a census) when these are all of the author's
    own items; else they are a sample of something larger.
    """
    value = _compute(claim, evidence)
    n = len(evidence.predictions)
    census = n == available and claim.dataset is not None and claim.dataset.relation == "same"
    interval, p = (intervals.whole(value), None) if census else _of_sample(claim, evidence, available)
    return Measurement(value, claim.unit, n, interval, census, _failed(evidence), p=p)


def _failed(evidence: ItemEvidence) -> int:
    return sum(prediction is None for prediction in evidence.predictions)


def has_sequence(claim: Claim) -> bool:
    """Whether there is a sequential rule: the figure is a share of items, and the data are the author's."""
    is_share = hasattr(member("metrics", claim.metric), "hits")
    return is_share and claim.dataset is not None and claim.dataset.relation != "other"


def hits(claim: Claim, evidence: ItemEvidence) -> NDArray[np.bool_]:
    """One flag an item, of a figure that is a share of items.

    Raises:
        MlmsError: predictions and references are not what the metric takes.
    """
    metric = member("metrics", claim.metric)
    with _explained(claim):
        return np.asarray(metric.hits(evidence, claim.metric_options), bool)


def question(claim: Claim, available: int, most: int, error: float, claims: int) -> Question:
    """What a sequential rule asks of the claim, where there is one, of at most ``most`` items of ``available``."""
    metric = member("metrics", claim.metric)
    low, high = _shares(claim)
    population, expected = _population(claim, available), claim.value / factor(metric.BASE_UNIT, claim.unit)
    return Question(low, high, population, most, min(max(expected, 0.0), 1.0), error, claims)


def of_sequence(
    claim: Claim, evidence: ItemEvidence, asked: Question, log_for: float, log_against: float
) -> Measurement:
    """The figure over the items at which a sequential rule stopped, with what it says of the whole.

    The interval is the rule's; where the rule has decided, it is cut at the edge that it decided about.
    """
    n, scale = len(evidence.predictions), factor(member("metrics", claim.metric).BASE_UNIT, claim.unit)
    found = asked.interval(n, int(hits(claim, evidence).sum()))
    low, high = asked.cut(found.low, found.high, log_for, log_against)
    interval = dataclasses.replace(found, low=low * scale, high=high * scale)
    p = math.exp(min(0.0, -log_against))
    return Measurement(_compute(claim, evidence), claim.unit, n, interval, False, _failed(evidence), p=p)


def of_runs(claim: Claim, runs: Sequence[TimedEvidence]) -> Measurement:
    """A timed figure: one value for each process run, their geometric mean and its interval.

    Raises:
        MlmsError: the metric cannot be computed, or a run's figure is not positive.
    """
    figures = tuple(timed_figure(claim, evidence) for evidence in runs)
    value = intervals.geometric_mean(figures)
    queries = sum(len(evidence.latencies_s) for evidence in runs)
    p = chance.of_runs(figures, *widened(claim))
    return Measurement(value, claim.unit, queries, intervals.process_runs(figures), runs=figures, kind="timed", p=p)


def timed_figure(claim: Claim, evidence: TimedEvidence) -> float:
    """The figure of one process run, or of a part of it, in the claim's unit.

    Raises:
        MlmsError: it cannot be computed, or is not positive.
    """
    figure = _compute(claim, evidence)
    if figure <= 0:
        raise MlmsError(f"the {claim.metric} of a process run is not positive", got=figure)
    return figure


def of_model(claim: Claim, evidence: StaticEvidence | DeviceEvidence) -> Measurement:
    """A figure of the model itself, or of the model on its device, which nothing varies."""
    value = _compute(claim, evidence)
    return Measurement(value, claim.unit, 1, intervals.whole(value), census=True, kind="static")


def of_calls(claim: Claim, evidence: CountedEvidence) -> Measurement:
    """A figure of single calls that were counted, with all of them."""
    value = _compute(claim, evidence)
    scale = factor(member("metrics", claim.metric).BASE_UNIT, claim.unit)
    calls = tuple(count * scale for count in evidence.calls)
    return Measurement(value, claim.unit, len(calls), intervals.of_calls(calls), runs=calls, kind="counted")


def _compute(claim: Claim, evidence: Any) -> float:
    """The metric in the claim's unit.

    Raises:
        MlmsError: predictions and references are not what the metric takes.
    """
    metric = member("metrics", claim.metric)
    with _explained(claim):
        return float(metric.compute(evidence, claim.metric_options)) * factor(metric.BASE_UNIT, claim.unit)


@contextmanager
def _explained(claim: Claim) -> Iterator[None]:
    """Say of what a metric cannot take which metric it was."""
    try:
        yield
    except (TypeError, ValueError, ArithmeticError) as error:
        raise MlmsError(
            f"the metric {claim.metric} cannot be computed: {error}",
            hint="look at what the output's steps give and what the dataset's labels are",
        ) from error


def _of_sample(claim: Claim, evidence: ItemEvidence, available: int) -> tuple[Interval, float | None]:
    """The interval of a figure over some items, and how probable one as bad is where the claim is true."""
    is_share = hasattr(member("metrics", claim.metric), "hits")
    interval, p = _of_hits(claim, evidence, available) if is_share else _of_any(claim, evidence)
    assert claim.dataset is not None  # a figure over items has data
    return interval, p if claim.dataset.relation != "other" else None


def _of_hits(claim: Claim, evidence: ItemEvidence, available: int) -> tuple[Interval, float]:
    n, scale = len(evidence.predictions), factor(member("metrics", claim.metric).BASE_UNIT, claim.unit)
    right = int(hits(claim, evidence).sum())
    population = _population(claim, max(available, n))
    found = (
        intervals.clopper_pearson(right, n)
        if population is None
        else intervals.hypergeometric(right, n, max(population, n))
    )
    low, high = _shares(claim)
    p = chance.of_share(right, n, low, high, population and max(population, n))
    return dataclasses.replace(found, low=found.low * scale, high=found.high * scale), p


def _of_any(claim: Claim, evidence: ItemEvidence) -> tuple[Interval, float]:
    def resampled(chosen: Any) -> float:
        rows = ItemEvidence([evidence.predictions[i] for i in chosen], [evidence.references[i] for i in chosen])
        try:
            return _compute(claim, rows)
        except MlmsError:  # the figure of all items exists: a rare class is not in every resample
            return math.nan

    found = intervals.estimate(resampled, len(evidence.predictions))
    return intervals.bootstrap(found), chance.of_estimate(found, *widened(claim))


def _shares(claim: Claim) -> tuple[float, float]:
    """What the claim admits, as shares of hits."""
    scale = factor(member("metrics", claim.metric).BASE_UNIT, claim.unit)
    low, high = widened(claim)
    return low / scale, high / scale


def _population(claim: Claim, available: int) -> int | None:
    """How many items the share is of; None where nobody says."""
    use = claim.dataset
    if use is not None and use.relation == "same":
        return available
    return use.published_items if use is not None and use.relation == "sample" else None

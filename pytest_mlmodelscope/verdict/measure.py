"""From predictions and timings to a measurement: the figure, its unit, its interval."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

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
from pytest_mlmodelscope.verdict import intervals


def of_items(claim: Claim, evidence: ItemEvidence, available: int) -> Measurement:
    """The figure over items; ``available`` is how many the split holds.

    Everything that the claim speaks of was evaluated (a census) when these are all of the author's
    own items; else they are a sample of something larger.
    """
    value = _compute(claim, evidence)
    n = len(evidence.predictions)
    census = n == available and claim.dataset is not None and claim.dataset.relation == "same"
    interval = intervals.whole(value) if census else _sample_interval(claim, evidence, available)
    failed = sum(prediction is None for prediction in evidence.predictions)
    return Measurement(value, claim.unit, n, interval, census, failed)


def of_runs(claim: Claim, runs: Sequence[TimedEvidence]) -> Measurement:
    """A timed figure: one value for each process run, their geometric mean and its interval.

    Raises:
        MlmsError: the metric cannot be computed, or a run's figure is not positive.
    """
    figures = tuple(timed_figure(claim, evidence) for evidence in runs)
    value = math.exp(sum(math.log(figure) for figure in figures) / len(figures))
    queries = sum(len(evidence.latencies_s) for evidence in runs)
    return Measurement(value, claim.unit, queries, intervals.process_runs(figures), runs=figures, kind="timed")


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
    try:
        return float(metric.compute(evidence, claim.metric_options)) * factor(metric.BASE_UNIT, claim.unit)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise MlmsError(
            f"the metric {claim.metric} cannot be computed: {error}",
            hint="look at what the output's steps give and what the dataset's labels are",
        ) from error


def _sample_interval(claim: Claim, evidence: ItemEvidence, available: int) -> Interval:
    metric = member("metrics", claim.metric)
    n = len(evidence.predictions)
    if hasattr(metric, "hits"):
        scale = factor(metric.BASE_UNIT, claim.unit)
        right = int(metric.hits(evidence, claim.metric_options).sum())
        found = _proportion(claim, right, n, available)
        return dataclasses.replace(found, low=found.low * scale, high=found.high * scale)

    def resampled(chosen: Any) -> float:
        rows = ItemEvidence([evidence.predictions[i] for i in chosen], [evidence.references[i] for i in chosen])
        try:
            return _compute(claim, rows)
        except MlmsError:  # the figure of all items exists: a rare class is not in every resample
            return math.nan

    return intervals.bootstrap(resampled, n)


def _proportion(claim: Claim, right: int, n: int, available: int) -> Interval:
    use = claim.dataset
    if use is not None and use.relation == "same":
        return intervals.hypergeometric(right, n, available)
    if use is not None and use.relation == "sample" and use.published_items:
        return intervals.hypergeometric(right, n, max(use.published_items, n))
    return intervals.clopper_pearson(right, n)

"""From predictions and timings to a figure with its interval."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from published import ACCURACY

from pytest_mlmodelscope.core.errors import MlmsError, NotApplicable
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.metric import CountedEvidence, ItemEvidence, StaticEvidence, TimedEvidence
from pytest_mlmodelscope.verdict.intervals import clopper_pearson, hypergeometric
from pytest_mlmodelscope.verdict.judge import judge
from pytest_mlmodelscope.verdict.measure import of_calls, of_items, of_model, of_runs

CLAIM = ACCURACY
F1 = dataclasses.replace(CLAIM, metric="f1", metric_options={"average": "macro"})
BINARY = dataclasses.replace(CLAIM, metric="f1", metric_options={"average": "binary", "positive": "yes"})
PEARSON = dataclasses.replace(CLAIM, metric="pearson", unit="1", value=0.9)
LATENCY = dataclasses.replace(CLAIM, metric="latency", unit="ms", value=10.0, direction="lower")
MEMORY = dataclasses.replace(LATENCY, metric="peak_memory", unit="MB", value=10.0)
SIZE = dataclasses.replace(CLAIM, metric="file_size", unit="kB", value=10.0, dataset=None)


def answers(right, n):
    """Evidence of so many right answers among n."""
    return ItemEvidence(["a"] * right + ["b"] * (n - right), ["a"] * n)


def run_of(*seconds, peak=1_000_000, percentile=50.0):
    return TimedEvidence(np.array(seconds), float(sum(seconds)), len(seconds), percentile, peak)


def with_data(claim, **changes):
    return dataclasses.replace(claim, dataset=dataclasses.replace(claim.dataset, **changes))


# -- everything, or a sample ----------------------------------------------------------------------


def test_all_items_of_the_authors_data_are_a_census():
    found = of_items(CLAIM, answers(90, 100), available=100)
    assert (found.value, found.n, found.census, found.kind) == (90.0, 100, True, "items")
    assert (found.interval.low, found.interval.high) == (90.0, 90.0)
    assert found.interval.confidence == 1.0


@pytest.mark.parametrize("relation", ["sample", "other"])
def test_all_items_at_hand_are_no_census_when_the_author_had_others(relation):
    found = of_items(with_data(CLAIM, relation=relation), answers(90, 100), available=100)
    assert not found.census
    assert found.interval.low < 90.0 < found.interval.high


def test_a_part_of_the_authors_data_is_a_sample_without_replacement():
    found = of_items(CLAIM, answers(90, 100), available=400)
    expected = hypergeometric(90, 100, 400)
    assert not found.census
    assert found.interval.method == "hypergeometric"
    assert (found.interval.low, found.interval.high) == pytest.approx((100 * expected.low, 100 * expected.high))


def test_data_that_are_a_sample_of_the_authors_count_from_what_the_author_had():
    found = of_items(with_data(CLAIM, relation="sample", published_items=50_000), answers(90, 100), available=100)
    expected = hypergeometric(90, 100, 50_000)
    assert (found.interval.low, found.interval.high) == pytest.approx((100 * expected.low, 100 * expected.high))


def test_an_author_with_fewer_items_than_are_at_hand_is_taken_to_have_had_as_many():
    found = of_items(with_data(CLAIM, relation="sample", published_items=10), answers(90, 100), available=100)
    assert (found.interval.low, found.interval.high) == (90.0, 90.0)


@pytest.mark.parametrize("relation", ["sample", "other"])
def test_a_sample_of_nobody_knows_how_many_is_one_of_an_unlimited_population(relation):
    found = of_items(with_data(CLAIM, relation=relation), answers(90, 100), available=100)
    expected = clopper_pearson(90, 100)
    assert found.interval.method == "Clopper-Pearson"
    assert (found.interval.low, found.interval.high) == pytest.approx((100 * expected.low, 100 * expected.high))


def test_the_interval_stands_in_the_unit_of_the_claim():
    percent = of_items(CLAIM, answers(90, 100), available=400).interval
    fraction = of_items(dataclasses.replace(CLAIM, unit="1", value=0.9), answers(90, 100), available=400).interval
    assert (percent.low, percent.high) == pytest.approx((100 * fraction.low, 100 * fraction.high))


@pytest.mark.parametrize("metric", ["accuracy", "error_rate"])
def test_an_error_rate_is_as_uncertain_as_the_accuracy(metric):
    claim = dataclasses.replace(CLAIM, metric=metric)
    found = of_items(claim, answers(90, 100), available=400)
    width = hypergeometric(90, 100, 400)
    assert found.interval.low <= found.value <= found.interval.high
    assert found.interval.high - found.interval.low == pytest.approx(100 * (width.high - width.low))


def test_a_larger_part_of_the_data_is_more_certain():
    widths = [
        (found := of_items(CLAIM, answers(n * 9 // 10, n), available=1000).interval).high - found.low
        for n in (50, 100, 500, 990)
    ]
    assert widths == sorted(widths, reverse=True)


# -- no answer ------------------------------------------------------------------------------------


def test_an_item_without_an_answer_is_wrong_and_counted():
    evidence = ItemEvidence(["a"] * 90 + [None] * 10, ["a"] * 100)
    found = of_items(CLAIM, evidence, available=100)
    assert (found.value, found.n, found.failed) == (90.0, 100, 10)


def test_no_answer_is_wrong_even_where_the_reference_is_nothing():
    found = of_items(CLAIM, ItemEvidence([None, "a"], [None, "a"]), available=2)
    assert (found.value, found.failed) == (50.0, 1)


def test_a_model_that_never_answers_has_an_accuracy_of_nothing():
    found = of_items(CLAIM, ItemEvidence([None] * 5, ["a"] * 5), available=5)
    assert (found.value, found.failed) == (0.0, 5)


def test_a_correlation_with_an_item_without_an_answer_is_undefined_and_decides_nothing():
    evidence = ItemEvidence([1.0, 2.0, None], [1.0, 2.0, 3.0])
    found = of_items(PEARSON, evidence, available=3)
    assert math.isnan(found.value)
    assert judge(PEARSON, found).word == "inconclusive"


# -- figures that are no proportion ---------------------------------------------------------------


def labelled(n, seed=4):
    draw = np.random.default_rng(seed)
    references = draw.choice(["a", "b", "c"], n).tolist()
    kept = draw.random(n) < 0.8
    return ItemEvidence([r if keep else "a" for r, keep in zip(references, kept, strict=True)], references)


def test_f1_over_a_sample_is_bootstrapped():
    found = of_items(F1, labelled(300), available=3000)
    assert found.interval.method == "bootstrap over items"
    assert found.interval.low < found.value < found.interval.high
    assert 2 < found.interval.high - found.interval.low < 20


def test_f1_over_everything_has_no_interval():
    assert of_items(F1, labelled(300), available=300).interval.method == "every item evaluated"


CORRELATED = ItemEvidence([1.0, 2.0, 3.0, 4.0, 5.0], [1.1, 1.8, 3.3, 3.9, 4.2])


def test_the_bootstrap_of_the_same_predictions_is_always_the_same():
    assert of_items(PEARSON, CORRELATED, 100).interval == of_items(PEARSON, CORRELATED, 100).interval


def correlated(n):
    """Pairs of numbers that a correlation of 0.9 made."""
    draw = np.random.default_rng(8)
    x = draw.normal(size=n)
    y = 0.9 * x + math.sqrt(1 - 0.81) * draw.normal(size=n)
    return ItemEvidence(x.tolist(), y.tolist())


def test_the_bootstrap_narrows_with_the_square_root_of_the_items():
    few, many = (of_items(PEARSON, correlated(n), available=100_000).interval for n in (50, 800))
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(4, rel=0.3)


def test_a_correlation_over_a_sample_is_near_fishers_interval():
    found = of_items(PEARSON, correlated(400), available=10_000)
    centre, half = math.atanh(found.value), 1.96 / math.sqrt(397)
    assert found.interval.low == pytest.approx(math.tanh(centre - half), abs=0.01)
    assert found.interval.high == pytest.approx(math.tanh(centre + half), abs=0.01)


def test_a_rare_class_that_some_resamples_lack_does_not_break_the_interval():
    evidence = ItemEvidence(["yes", "yes", *["no"] * 98], ["yes", "no", *["no"] * 98])
    found = of_items(BINARY, evidence, available=1000)
    assert found.value == pytest.approx(200 / 3)
    assert found.interval.low < found.value <= found.interval.high


# -- what cannot be computed ----------------------------------------------------------------------

UNFIT = {
    "text for a correlation": (PEARSON, ItemEvidence(["a", "b"], [1.0, 2.0]), "a correlation needs numbers"),
    "arrays for labels": (CLAIM, ItemEvidence([np.arange(3)], [1]), "of different kinds"),
    "another number of references": (CLAIM, ItemEvidence(["a"], ["a", "b"]), "differ in number"),
    "text against numbers": (CLAIM, ItemEvidence(["7"], [7]), "of different kinds"),
    "a class that never occurs": (BINARY, ItemEvidence(["a"], ["b"]), 'positive class "yes" does not occur'),
}  # fmt: skip


@pytest.mark.parametrize("name", UNFIT)
def test_evidence_that_a_metric_cannot_take_is_an_error_with_words(name):
    claim, evidence, words = UNFIT[name]
    with pytest.raises(MlmsError, match=words):
        of_items(claim, evidence, available=len(evidence.predictions))


@pytest.mark.parametrize("kind", [TypeError, ValueError, ZeroDivisionError, OverflowError])
def test_what_went_wrong_in_a_metric_is_told_with_the_next_thing_to_look_at(monkeypatch, kind):
    def broken(evidence, options):
        raise kind("not like this")

    monkeypatch.setattr(member("metrics", "accuracy"), "compute", broken)
    with pytest.raises(MlmsError, match="the metric accuracy cannot be computed: not like this") as raised:
        of_items(CLAIM, answers(1, 2), available=2)
    assert "the output's steps" in raised.value.hint


# -- process runs ---------------------------------------------------------------------------------


def test_a_timed_figure_is_the_geometric_mean_of_its_process_runs():
    found = of_runs(LATENCY, [run_of(0.010), run_of(0.040)])
    assert found.value == pytest.approx(20.0)
    assert found.runs == pytest.approx((10.0, 40.0))
    assert (found.kind, found.unit) == ("timed", "ms")


def test_queries_are_counted_over_all_runs():
    assert of_runs(LATENCY, [run_of(0.01, 0.02, 0.03), run_of(0.01)]).n == 4


def test_the_interval_of_a_timed_figure_rests_on_runs_and_not_on_queries():
    few = of_runs(LATENCY, [run_of(0.010), run_of(0.011), run_of(0.012)])
    many = of_runs(LATENCY, [run_of(*[0.010] * 999), run_of(*[0.011] * 999), run_of(*[0.012] * 999)])
    assert few.interval == many.interval
    assert few.interval.method == "t over 3 process runs"


def test_one_run_decides_nothing():
    claim = dataclasses.replace(LATENCY, value=1000.0)
    assert judge(claim, of_runs(claim, [run_of(0.01)])).word == "inconclusive"


def test_the_percentile_of_each_run_is_the_figure():
    seconds = [0.001] * 98 + [0.5, 0.6]
    assert of_runs(LATENCY, [run_of(*seconds, percentile=99.0)] * 2).value == pytest.approx(500)
    assert of_runs(LATENCY, [run_of(*seconds, percentile=50.0)] * 2).value == pytest.approx(1)


def test_memory_is_a_figure_of_each_run_as_well():
    found = of_runs(MEMORY, [run_of(0.01, peak=2_000_000), run_of(0.01, peak=8_000_000)])
    assert found.value == pytest.approx(4.0)


def test_a_figure_of_nothing_is_an_error_with_words():
    with pytest.raises(MlmsError, match="peak_memory"):
        of_runs(MEMORY, [run_of(0.01, peak=0), run_of(0.01)])


def test_runs_without_queries_are_undefined_and_decide_nothing():
    found = of_runs(LATENCY, [run_of(), run_of()])
    assert math.isnan(found.value)
    assert judge(LATENCY, found).word == "inconclusive"


# -- the model itself -----------------------------------------------------------------------------


def test_a_size_is_exact():
    found = of_model(SIZE, StaticEvidence(12_345, None))
    assert (found.value, found.unit, found.kind, found.census) == (12.345, "kB", "static", True)
    assert found.interval.low == found.interval.high == 12.345


def test_parameters_that_a_framework_cannot_count_make_the_claim_not_applicable():
    claim = dataclasses.replace(SIZE, metric="parameter_count", unit="parameters")
    with pytest.raises(NotApplicable, match="parameters"):
        of_model(claim, StaticEvidence(1, None))


def test_parameters_are_counted_in_millions_where_the_claim_does():
    claim = dataclasses.replace(SIZE, metric="parameter_count", unit="million parameters")
    assert of_model(claim, StaticEvidence(1, 25_600_000)).value == pytest.approx(25.6)


# -- what is counted ------------------------------------------------------------------------------

COUNT = dataclasses.replace(CLAIM, metric="instructions", unit="thousand instructions", value=2.0, direction="equal")


def counted(*calls):
    return of_calls(COUNT, CountedEvidence(calls))


def test_a_count_lies_among_those_of_single_calls():
    found = counted(2100, 2000, 2700)
    assert (found.value, found.n, found.kind, found.census) == (2.1, 3, "counted", False)
    assert (found.interval.low, found.interval.high, found.runs) == (2.0, 2.7, (2.1, 2.0, 2.7))


def test_a_claim_on_counts_is_confirmed_when_every_call_is_within_it():
    assert judge(COUNT, counted(2100, 2000, 2400)).word == "confirmed"
    assert judge(COUNT, counted(2600, 2900, 2700)).word == "refuted"
    assert judge(COUNT, counted(2400, 2000, 2700)).word == "inconclusive"


def test_calls_that_differ_are_told_and_those_that_do_not_are_not():
    assert "single calls take 2 thousand instructions to 2.4 thousand" in judge(COUNT, counted(2100, 2000, 2400)).reason
    assert "single calls" not in judge(COUNT, counted(2100, 2100, 2100)).reason
    assert "single calls differ as much" in judge(COUNT, counted(2400, 2000, 2700)).reason

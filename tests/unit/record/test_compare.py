"""Two measurements of one case."""

from __future__ import annotations

import pytest

from pytest_mlmodelscope.core.claim import Conditions
from pytest_mlmodelscope.core.result import Interval, Measurement
from pytest_mlmodelscope.record.case import case_record
from pytest_mlmodelscope.record.compare import Fact, compare, facts
from pytest_mlmodelscope.verdict.intervals import of_calls

STEADY = (1.00, 1.01, 0.99, 1.00, 1.02)


@pytest.fixture
def timed(timed_result):
    """A timed case by the figures of its process runs, in ms."""
    return lambda *runs: case_record(timed_result(runs=runs))


@pytest.fixture
def census(accuracy_result):
    """A case over every item, by its figure in percent."""
    return lambda value, **changes: case_record(accuracy_result(value=value, **changes))


@pytest.fixture
def sample(accuracy_result, make_case, make_claim):
    """A case over a sample of items, by figure and interval."""

    def make(figure, low, high, **claim):
        measurement = Measurement(figure, "%", 500, Interval(low, high, 0.95, "hypergeometric"))
        return case_record(accuracy_result(case=make_case(make_claim(**claim)), measurement=measurement))

    return make


def test_the_same_figure_twice(census):
    found = compare(census(99.4), census(99.4))
    assert (found.judgement, found.absolute, found.relative) == ("same", 0.0, 0.0)


def test_change_is_told_in_the_unit_and_as_a_share(census):
    found = compare(census(80.0), census(76.0))
    assert found.absolute == pytest.approx(-4.0)
    assert found.relative == pytest.approx(-0.05)


def test_a_share_of_nothing_is_not_told(census):
    assert compare(census(0.0), census(1.0)).relative is None


def test_one_item_that_falls_the_other_way_is_no_change(census):
    one = 100 / 60_000
    assert compare(census(99.4), census(99.4 - one)).judgement == "same"
    assert compare(census(99.4), census(99.4 - 2 * one)).judgement == "worse"
    assert compare(census(99.4), census(99.4 + 2 * one)).judgement == "better"


def test_samples_whose_intervals_touch_are_the_same(sample):
    assert compare(sample(80, 78, 82), sample(77, 75, 78.5)).judgement == "same"


def test_samples_whose_intervals_lie_apart_differ(sample):
    found = compare(sample(80, 79, 81), sample(77, 76, 78))
    assert (found.judgement, found.basis) == ("worse", "intervals apart")


def test_a_census_against_a_sample_is_judged_by_the_interval(census, sample):
    assert compare(census(80.0), sample(79.0, 77, 81)).judgement == "same"
    assert compare(census(80.0), sample(75.0, 73, 77)).judgement == "worse"


def test_lower_is_better_where_the_claim_says_so(sample):
    error = {"direction": "lower"}
    assert compare(sample(20, 19, 21, **error), sample(23, 22, 24, **error)).judgement == "worse"
    assert compare(sample(20, 19, 21, **error), sample(17, 16, 18, **error)).judgement == "better"


def test_nearer_to_the_published_figure_is_better_where_it_ought_to_be_met(sample):
    equal = {"direction": "equal", "value": 20.0}
    assert compare(sample(21, 20.9, 21.1, **equal), sample(23, 22, 24, **equal)).judgement == "worse"
    assert compare(sample(17, 16, 18, **equal), sample(20, 19, 21, **equal)).judgement == "better"


def test_an_interval_without_end_never_lies_apart(sample):
    assert compare(sample(80, 79, 81), sample(20, 0, float("inf"))).judgement == "same"


def test_timed_figures_by_the_ratio_of_medians(timed):
    found = compare(timed(*STEADY), timed(*(2 * run for run in STEADY)))
    assert found.judgement == "worse"
    assert found.ratio[0] <= 2 <= found.ratio[1]
    assert compare(timed(*(2 * run for run in STEADY)), timed(*STEADY)).judgement == "better"


def test_timed_figures_within_the_usual_noise_are_equivalent(timed):
    assert compare(timed(*STEADY), timed(*(1.03 * run for run in STEADY))).judgement == "equivalent"


def test_unsteady_runs_prove_nothing(timed):
    assert compare(timed(1.0, 2.0, 0.8), timed(1.4, 0.9, 2.2)).judgement == "inconclusive"


def test_the_ratio_is_the_same_every_time(timed):
    before, after = timed(*STEADY), timed(1.1, 1.2, 1.3)
    assert compare(before, after) == compare(before, after)


def test_two_runs_are_too_few_for_a_ratio(timed):
    found = compare(timed(1.0, 1.1), timed(2.0, 2.1))
    assert found.ratio is None
    assert (found.judgement, found.basis) == ("worse", "intervals apart")


def test_counts_differ_where_they_lie_apart_by_more_than_memory_can_do(accuracy_result, make_case, make_claim):
    claim = make_claim(metric="instructions", unit="instructions", direction="lower")

    def counted(*calls):
        figure = Measurement(calls[0], "instructions", len(calls), of_calls(calls), runs=calls, kind="counted")
        return case_record(accuracy_result(case=make_case(claim), measurement=figure))

    steady = counted(918_379.0, 918_379.0)
    assert compare(steady, steady).judgement == "same"
    found = compare(steady, counted(918_380.0, 918_380.0))
    assert (found.judgement, found.absolute) == ("same", 1.0)
    assert compare(steady, counted(928_379.0, 928_379.0)).judgement == "worse"
    assert compare(steady, counted(908_379.0, 908_379.0)).judgement == "better"
    assert compare(counted(751.0, 700.0, 800.0), counted(790.0, 790.0)).judgement == "same"
    assert compare(counted(0.0, 0.0), counted(1.0, 1.0)).judgement == "worse"


def test_nothing_measured_is_no_figure(census):
    lost = census(99.0, measurement=None)
    assert compare(lost, census(99.0)) is None
    assert compare(census(99.0), lost) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [("model_digest", "other"), ("data_digest", "other"), ("dataset", "other/test"), ("metric", "f1"), ("unit", "1")],
)
def test_what_is_not_the_same_thing_is_not_judged(census, key, value):
    before, after = census(99.4), census(10.0)
    found = compare(before, {**after, key: value})
    assert found.judgement == "not_comparable"
    assert found.differing == (Fact(key, before[key], value),)


def test_other_conditions_are_told_one_by_one(timed, timed_result, make_claim, make_case):
    claim = make_claim(conditions=Conditions(threads=4, batch=8))
    before = case_record(timed_result(case=make_case(make_claim(conditions=Conditions(threads=1)))))
    found = compare(before, case_record(timed_result(case=make_case(claim))))
    assert found.judgement == "not_comparable"
    assert [fact.place for fact in found.differing] == ["conditions.batch", "conditions.threads"]
    assert found.ratio is None


def test_facts_that_only_one_side_has():
    assert list(facts({"a": 1, "b": 2}, {"b": 2, "c": 3})) == [Fact("a", 1, None), Fact("c", None, 3)]


def test_facts_inside_facts():
    found = list(facts({"os": {"name": "x", "build": 1}}, {"os": {"name": "x", "build": 2}}, "machine"))
    assert found == [Fact("machine.os.build", 1, 2)]


def test_a_mapping_against_something_else():
    assert list(facts({"a": {"b": 1}}, {"a": 1})) == [Fact("a", {"b": 1}, 1)]

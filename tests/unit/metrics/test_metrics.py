"""What metrics refuse, and what they count."""

import pytest

from pytest_mlmodelscope.core.bands import by_band
from pytest_mlmodelscope.core.errors import NotApplicable, UsageError
from pytest_mlmodelscope.interfaces.metric import ItemEvidence, StaticEvidence
from pytest_mlmodelscope.metrics import accuracy, error_rate, f1, parameter_count, pearson, recall, top_k_accuracy


@pytest.mark.parametrize("metric", [accuracy, error_rate])
def test_text_against_numbers_is_a_mistake_and_not_a_bad_model(metric):
    with pytest.raises(UsageError, match="different kinds") as caught:
        metric.compute(ItemEvidence([3, 4], ["3", "4"]), {})
    assert "labels" in caught.value.hint


def test_text_against_numbers_is_noticed_in_a_list_of_guesses():
    with pytest.raises(UsageError, match="different kinds"):
        top_k_accuracy.compute(ItemEvidence([["3", "4"]], [3]), {"k": 2})


def test_answers_and_references_of_different_number_are_refused():
    with pytest.raises(UsageError, match="differ in number"):
        accuracy.compute(ItemEvidence(["a"], ["a", "b"]), {})


def test_a_reference_that_is_missing_is_never_matched_by_a_missing_answer():
    assert accuracy.hits(ItemEvidence([None, "a"], [None, "a"]), {}).tolist() == [False, True]


def test_whole_numbers_match_the_same_number_as_a_fraction():
    assert accuracy.compute(ItemEvidence([1.0, 2.0], [1, 2]), {}) == 1.0


@pytest.mark.parametrize("best", ["abc", ["a"], 3])
def test_top_k_refuses_answers_that_are_not_k_labels(best):
    with pytest.raises(UsageError, match="best first") as caught:
        top_k_accuracy.compute(ItemEvidence([None, best], ["a", "b"]), {"k": 2})
    assert "top_k" in caught.value.hint


def test_top_k_looks_no_further_than_k():
    assert top_k_accuracy.hits(ItemEvidence([["b", "c", "a"]], ["a"]), {"k": 2}).tolist() == [False]


def test_an_item_without_an_answer_lowers_recall_and_adds_no_class():
    evidence = ItemEvidence(["a", None, "b", "b"], ["a", "a", "b", "b"])
    assert recall.compute(evidence, {"average": "macro"}) == pytest.approx((1 / 2 + 1) / 2)


def test_a_positive_class_that_does_not_occur_is_a_misspelling():
    with pytest.raises(UsageError, match="does not occur") as caught:
        f1.compute(ItemEvidence(["spam"], ["ham"]), {"average": "binary", "positive": "spamm"})
    assert caught.value.hint == 'did you mean "spam"?'


def test_a_correlation_of_labels_is_refused():
    with pytest.raises(UsageError, match="numbers"):
        pearson.compute(ItemEvidence(["a", "b"], [1, 2]), {})


def test_references_may_have_bands_of_their_own():
    bands = [{"label": "high", "at_least": 0.5}, {"label": "low"}]
    stars = [{"label": "high", "at_least": 4}, {"label": "low"}]
    evidence = ItemEvidence([0.5, 0.4, None], [4, 3, 3])
    hits = accuracy.hits(evidence, {"bands": bands, "reference_bands": stars})
    assert hits.tolist() == [True, True, False]


def test_parameters_that_cannot_be_counted_are_not_applicable():
    with pytest.raises(NotApplicable, match="cannot tell"):
        parameter_count.compute(StaticEvidence(1, None), {})


@pytest.mark.parametrize(
    ("score", "label"),
    [(-0.06, "neg"), (-0.05, "neg"), (-0.04, "neu"), (0.0499, "neu"), (0.05, "neu"), (0.051, "pos"), (9, "pos")],
)
def test_bands_are_tried_in_order_and_their_edges_are_as_they_say(score, label):
    bands = [{"label": "neg", "at_most": -0.05}, {"label": "pos", "above": 0.05}, {"label": "neu"}]
    assert by_band(bands)(score) == label


def test_a_band_may_have_two_edges():
    middle = by_band([{"label": "in", "at_least": 1, "below": 2}, {"label": "out"}])
    assert [middle(score) for score in (0.9, 1, 1.99, 2)] == ["out", "in", "in", "out"]


@pytest.mark.parametrize("score", [5.0, float("nan")])
def test_a_score_outside_of_every_band_is_refused(score):
    with pytest.raises(UsageError, match="no band"):
        by_band([{"label": "a", "below": 1}])(score)


def test_several_labels_an_item_are_refused_where_one_is_wanted():
    with pytest.raises(UsageError, match="of different kinds") as caught:
        accuracy.compute(ItemEvidence([[1, 2], [2, 1]], [1, 2]), {})
    assert "top_k_accuracy" in str(caught.value.hint)

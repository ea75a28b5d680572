"""Answers of several frameworks in one order: what is alike, what differs, and what there is no answer of."""

from __future__ import annotations

import pytest

from pytest_mlmodelscope.hub.views.side_by_side import side_by_side
from pytest_mlmodelscope.library.answers import Answer, Prediction, Scored


def told(framework, answer, latency_s=0.002):
    return Prediction("m", framework, "1.0", "cpu", (answer,), latency_s).to_json()


def ranking(framework, *scored, **more):
    top = tuple(Scored(label, score, index) for index, (label, score) in enumerate(scored))
    return told(framework, Answer(0, top), **more)


def test_labels_stand_in_one_order_and_what_agrees_is_not_marked():
    found = side_by_side(
        [ranking("a", ("cat", 0.9), ("dog", 0.1)), ranking("b", ("cat", 0.8999), ("dog", 0.1001), latency_s=0.004)]
    )
    assert [row.label for row in found.rows] == ["cat", "dog"]
    assert not any(cell.differs for row in found.rows for cell in row.cells)
    assert found.said == "All 2 frameworks give the same answer first."
    assert [(column.framework, column.share, column.fastest) for column in found.columns] == [
        ("a", 50.0, True),
        ("b", 100.0, False),
    ]


def test_another_order_is_marked_and_said():
    found = side_by_side(
        [
            ranking("a", ("cat", 0.6), ("dog", 0.4)),
            ranking("b", ("cat", 0.6), ("dog", 0.4)),
            ranking("c", ("dog", 0.6), ("cat", 0.4)),
        ]
    )
    assert [[cell.differs for cell in row.cells] for row in found.rows] == [[False, False, True]] * 2
    assert found.said == "The frameworks do not agree. a, b: cat; c: dog."


def test_a_score_that_is_off_is_marked_at_the_framework_that_is():
    found = side_by_side([ranking(name, ("cat", score)) for name, score in (("a", 0.9), ("b", 0.9), ("c", 0.8))])
    assert [cell.differs for cell in found.rows[0].cells] == [False, False, True]


def test_a_label_that_only_one_tells_stands_last_and_is_missing_elsewhere():
    found = side_by_side([ranking("a", ("cat", 0.9), ("dog", 0.1)), ranking("b", ("cat", 0.9), ("cow", 0.1))])
    assert [row.label for row in found.rows] == ["cat", "dog", "cow"]
    assert [cell.rank for cell in found.rows[2].cells] == [None, 2]


def test_bars_are_shares_of_the_largest_score_and_never_negative():
    (row, other) = side_by_side([ranking("a", ("cat", 8.0), ("dog", -2.0))]).rows
    assert (row.cells[0].share, other.cells[0].share) == (100.0, 0.0)


def test_a_framework_without_an_answer_says_why_beside_the_others():
    found = side_by_side([{"framework": "a", "error": "it is not here"}, ranking("b", ("cat", 0.9))])
    assert [column.error for column in found.columns] == ["it is not here", ""]
    assert [column.framework for column in found.answered] == ["b"]
    assert [row.label for row in found.rows] == ["cat"]


def test_texts_are_told_as_they_are_and_the_odd_one_is_marked():
    found = side_by_side(
        [told(name, Answer(text, (Scored(text),))) for name, text in zip("abc", ("es", "es", "pt"), strict=True)]
    )
    assert found.rows == ()
    assert [(one.text, one.differs) for one in found.told] == [("es", False), ("es", False), ("pt", True)]
    assert found.said == "The frameworks do not agree. a, b: es; c: pt."


def test_many_numbers_are_drawn_on_one_scale():
    low, high = [0.0] * 10, [0.0] * 9 + [1.0]
    one, other = side_by_side([told("a", Answer(low)), told("b", Answer(high))]).told
    assert one.points.split()[0] == "0.0,80.0"
    assert other.points.split()[-1] == "600.0,0.0"
    assert (one.differs, other.differs) == (False, True)


@pytest.mark.parametrize("value", [0.25, None, [1, 2], {"compound": 0.5}])
def test_any_other_answer_is_told_as_json(value):
    (one,) = side_by_side([told("a", Answer(value))]).told
    assert (one.points, one.differs) == ("", False)
    assert one.text


def test_nothing_came():
    found = side_by_side([])
    assert (found.columns, found.rows, found.told, found.said) == ((), (), (), "")


def test_an_answer_with_nothing_in_it_says_so():
    assert [one.text for one in side_by_side([told("a", Answer([])), told("b", Answer(""))]).told] == [
        "nothing was found",
        "nothing was found",
    ]

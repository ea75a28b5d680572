"""Answers that are places in a picture: what is drawn over it, what is told beside it, and what is no place."""

from __future__ import annotations

import json

import pytest

from pytest_mlmodelscope.hub.rendering import rendered
from pytest_mlmodelscope.hub.views.regions import seen
from pytest_mlmodelscope.hub.views.side_by_side import side_by_side
from pytest_mlmodelscope.library.answers import Answer, Prediction

BOX = {"corners": [[0.1, 0.2], [0.5, 0.2], [0.5, 0.4], [0.1, 0.4]], "score": 0.75}
EVIL = "</text><script>alert(1)</script>"


def told(framework, answer):
    return Prediction("m", framework, "1.0", "cpu", (answer,), 0.002).to_json()


def test_a_box_is_drawn_in_the_pixels_of_its_picture():
    found = seen({"value": [BOX]}, (640, 400))
    (region,) = found.regions
    assert region.points == "64.0,80.0 320.0,80.0 320.0,160.0 64.0,160.0"
    assert region.place == "10 to 50 % from the left, 20 to 40 % from the top"
    assert region.score == 0.75


def test_what_was_found_in_a_box_is_a_dot():
    found = seen({"value": [{**BOX, "points": [[0.2, 0.25], [0.4, 0.25]]}]}, (640, 400))
    assert found.regions[0].dots == ((128.0, 100.0), (256.0, 100.0))
    assert seen({"value": [{**BOX, "points": "none"}]}, None).regions[0].dots == ()


def test_what_was_read_there_stands_beside_it():
    answer = {"value": "a\nb", "parts": {"find": [BOX, BOX], "read": ["a", "b"]}}
    assert [region.label for region in seen(answer, None).regions] == ["a", "b"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "text",
        [1, 2],
        [{"corners": "no"}],
        [{"corners": [[1]]}],
        [{"corners": [["a", "b"]]}],
        [BOX, 3],
        {"a": 1},
    ],
)
def test_what_is_no_place_is_not_drawn(value):
    assert seen({"value": value}, None) is None


def test_corners_beyond_the_picture_are_at_its_edge_and_too_many_are_counted():
    far = {"corners": [[-9, 0.5], [9, 0.5], [1, 1]]}
    assert seen({"value": [far]}, (10, 10)).regions[0].points == "0.0,5.0 10.0,5.0 10.0,10.0"
    many = seen({"value": [BOX] * 400}, None)
    assert len(many.regions) + many.left_out == 400


def test_frameworks_that_see_the_same_do_not_differ_and_one_that_sees_more_does():
    moved = {**BOX, "corners": [[x + 0.004, y] for x, y in BOX["corners"]], "score": 0.7}
    found = side_by_side(
        [told("a", Answer([BOX])), told("b", Answer([moved])), told("c", Answer([BOX, BOX]))], (640, 400)
    )
    assert [one.differs for one in found.told] == [False, False, True]
    assert not found.rows


def test_one_that_saw_nothing_differs_and_one_that_says_something_else_is_told_in_words():
    found = side_by_side([told("a", Answer([BOX])), told("b", Answer([]))], (640, 400))
    assert [len(one.seen.regions) for one in found.told] == [1, 0]
    assert [one.differs for one in found.told] == [False, True]
    assert json.loads(found.told[0].data) == [BOX]
    other = side_by_side([told("a", Answer([BOX])), told("b", Answer([1, 2]))])
    assert [one.seen for one in other.told] == [None, None]


def test_the_drawing_has_a_name_a_list_and_nothing_of_a_strangers_markup():
    answer = Answer("x", parts={"find": [BOX], "read": [EVIL]})
    html = rendered("playground_answers.html", found=side_by_side([told("a", answer)]), job=_Job())
    assert 'aria-label="a: 1 place in the picture, listed below"' in html
    assert "<polygon points=" in html
    assert "<script" not in html
    assert "alert(1)" in html


class _Job:
    id, state = "0" * 32, "finished"

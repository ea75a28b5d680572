"""Places of an answer inside what a function returns."""

from types import SimpleNamespace

import pytest

from pytest_mlmodelscope.frameworks.python.place import find, steps

VALUE = SimpleNamespace(language="de", scores={"compound": 0.5, "a b": 1}, nested=[[1, 2], (3, {"x": [4]})])


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("language", "de"),
        ("scores.compound", 0.5),
        ('scores["compound"]', 0.5),
        ("scores['a b']", 1),
        ("nested[0][1]", 2),
        ("nested[-1][1].x[0]", 4),
        ("", VALUE),
    ],
)
def test_a_place_is_found(place, expected):
    assert find(VALUE, steps(place)) == expected


def test_nothing_on_the_way_is_no_answer():
    assert find(None, steps("a.b[0]")) is None


@pytest.mark.parametrize("place", ["nested[7]", "scores['none']", "other"])
def test_a_place_that_is_not_there_is_an_error_and_not_a_missing_answer(place):
    with pytest.raises((LookupError, AttributeError)):
        find(VALUE, steps(place))


@pytest.mark.parametrize("text", ["a b", "[x]", "f()", "a..b", "[0", "__import__('os')", "1"])
def test_code_is_not_a_place(text):
    with pytest.raises(ValueError, match="not the place of a result"):
        steps(text)

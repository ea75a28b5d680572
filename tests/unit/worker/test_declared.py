"""What a manifest declares, held against what a model is given."""

import numpy as np
import pytest

from pytest_mlmodelscope.worker.declared import check

X = [{"name": "x", "dtype": "float32", "shape": ["batch", 4]}]
TEXT = [{"name": "t", "dtype": "string", "shape": ["batch"]}]


def x(*shape, dtype=np.float32):
    return {"x": np.zeros(shape, dtype=dtype)}


def test_any_length_of_an_axis_with_a_name_passes():
    for count in (1, 7, 7, 0):
        check(X, x(count, 4))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (x(2, 5), r"takes the shape \['batch', 4\], not \[2, 5\]"),
        (x(2, 4, 1), r"not \[2, 4, 1\]"),
        (x(2, 4, dtype=np.float64), "takes float32, not float64"),
        ({"x": [1.0, 2.0]}, "takes float32, not list"),
        ({"y": np.zeros((2, 4), np.float32)}, 'input "x" is missing; got "y"'),
        ({**x(2, 4), "y": np.zeros(1)}, 'takes no input called "y"'),
    ],
    ids=["length", "axes", "dtype", "list", "name", "extra"],
)
def test_anything_else_is_refused_also_after_something_that_passed(given, said):
    for _ in range(2):
        check(X, x(2, 4))
        with pytest.raises((ValueError, TypeError), match=said):
            check(X, given)


def test_what_passed_for_one_declaration_is_looked_at_for_another():
    check(X, x(2, 4))
    with pytest.raises(ValueError, match="not"):
        check([{"name": "x", "dtype": "float32", "shape": ["batch", 5]}], x(2, 4))


def test_texts_come_as_a_list():
    check(TEXT, {"t": ["a"]})
    with pytest.raises(TypeError, match="a list of text, not str"):
        check(TEXT, {"t": "a"})

"""Steps in a row, on one item and on many: the same answers either way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.manifest import chain as chain_module
from pytest_mlmodelscope.manifest.chain import Chain, stacked
from pytest_mlmodelscope.testing._same import assert_same

ARGMAX = Step("argmax")
BATCHED = [
    Step("scale", {"divide": 255}),
    Step("clip", {"low": -1, "high": 2}),
    Step("cast", {"dtype": "uint8", "rounding": "nearest"}),
    Step("flatten"),
    Step("layout", {"from": "HWC", "to": "CHW"}),
    Step("normalize", {"mean": [0.1, 0.2, 0.3], "std": [1, 2, 3]}),
    Step("normalize", {"mean": [0.1, 0.2], "std": [1, 2], "axis": 0}),
    Step("normalize", {"mean": 0.5, "std": 0.5}),
    Step("top_k", {"k": 3}),
    Step("softmax"),
    ARGMAX,
]


def one_by_one(steps, values):
    return [Chain(steps, {}).one(value) for value in values]


def test_no_steps_leave_everything_as_it_is():
    assert not Chain((), {})
    assert Chain((), {}).one("a") == "a"
    assert Chain((), {}).many(["a", "b"]) == ["a", "b"]


def test_steps_follow_one_another_in_the_manifests_order():
    halved = Chain((Step("scale", {"by": 0.5}), Step("flatten")), {})
    assert halved.one(np.array([[2.0, 4.0]])).tolist() == [1.0, 2.0]
    clipped_last = Chain((Step("scale", {"by": 10.0}), Step("clip", {"low": 0, "high": 5})), {})
    clipped_first = Chain((Step("clip", {"low": 0, "high": 5}), Step("scale", {"by": 10.0})), {})
    assert (clipped_last.one(np.array([1.0]))[0], clipped_first.one(np.array([1.0]))[0]) == (5.0, 10.0)


def test_a_step_finds_the_files_that_it_names(tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("zero\none\ntwo\n")
    named = Chain((ARGMAX, Step("labels", {"asset": "words"})), {"words": words})
    assert named.one(np.array([0.1, 0.2, 0.7])) == "two"
    assert named.many(np.eye(3)) == ["zero", "one", "two"]


@example(
    steps=[ARGMAX, Step("cast", {"dtype": "uint8"}), Step("cast", {"dtype": "uint8"})],
    values=np.zeros((1, 1, 1, 1), np.uint8),
)
@given(
    st.lists(st.sampled_from(BATCHED), min_size=1, max_size=3),
    arrays.arrays(
        st.sampled_from([np.uint8, np.int16, np.float32, np.float64]),
        st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)),
        elements=st.integers(0, 100),
    ),
)
def test_many_items_get_what_each_would_get(steps, values):
    """Where a chain refuses an item, it refuses many of them too: no axis of the items is taken for that of another."""
    try:
        expected = one_by_one(steps, list(values))
    except (UsageError, ValueError):
        with pytest.raises((UsageError, ValueError)):
            Chain(steps, {}).many(list(values))
        return
    found = Chain(steps, {}).many(list(values))
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        # An entry of an array's only axis is a number where a step alone gives an array without axes.
        assert_same(np.asarray(one) if np.ndim(other) == 0 and isinstance(other, np.ndarray) else one, other)


def test_a_step_is_called_once_for_many_items_of_one_shape(monkeypatch):
    calls = []

    class Counting:
        make = staticmethod(lambda options, context: pytest.fail)
        make_batched = staticmethod(lambda options, context: lambda values: calls.append(len(values)) or values)

    monkeypatch.setattr(chain_module, "member", lambda kind, name: Counting)
    Chain([Step("counting")] * 2, {}).many([np.zeros(2)] * 5)
    assert calls == [5, 5]


def test_items_of_several_shapes_go_one_by_one():
    found = Chain([Step("flatten")], {}).many([np.ones((2, 2)), np.ones((1, 3))])
    assert [value.tolist() for value in found] == [[1.0] * 4, [1.0] * 3]


@pytest.mark.parametrize(
    "values",
    [[], ["a", "b"], [np.ones(2), [1.0, 2.0]], [np.ones(2), np.ones(3)], [np.ones(2), np.ones(2, np.float32)]],
    ids=["none", "text", "a list among arrays", "two lengths", "two types"],
)
def test_what_does_not_belong_together_is_not_stacked(values):
    assert stacked(values) is None

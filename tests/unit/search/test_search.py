"""Drawing and shrinking without a model: what a search finds, how small it gets, where it stops."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import configuration

from pytest_mlmodelscope.core.errors import ModelError
from pytest_mlmodelscope.core.manifest import Domain, Input
from pytest_mlmodelscope.interfaces.check import Breach, Seen
from pytest_mlmodelscope.search.drive import search
from pytest_mlmodelscope.search.sketch import Range, Sketch, coarse
from pytest_mlmodelscope.search.strategies import extremes, queries, queries_of_items

NUMBERS = Input("x", "float32", ("batch", 4), domain=Domain(-1, 1))
PICTURE = Input("x", "float32", ("batch", 3, 224, 224), domain=Domain(0, 1))
TOKENS = Input("t", "int64", ("batch", "time"), domain=Domain(0, 9, axes={"time": (1, 50)}))
TEXT = Input("s", "string", ("batch",), domain=Domain(alphabet="abc", max_length=9))


@pytest.fixture
def found(tmp_path):
    """What a search for a query that is wrong comes to."""

    def of(wrong, *inputs, examples=100, seconds=120):
        def look(query):
            return Seen(breach=Breach("wrong") if wrong(query.tensors()) else None)

        return search(queries(inputs), extremes(inputs), look, examples, seconds, tmp_path / "home")

    return of


def test_one_small_item_is_left(found):
    query = found(lambda t: (t["x"] > 0.5).any(), NUMBERS).query
    assert query.tensors()["x"].shape == (1, 4)


def test_named_axes_are_as_short_as_can_be_and_the_same_for_all(found):
    query = found(lambda t: t["t"].shape[1] >= 7 and len(t["t"]) >= 2, TOKENS).query
    assert query.tensors()["t"].tolist() == [[0] * 7, [0] * 7]


def test_a_text_is_made_shorter(found):
    assert found(lambda t: any("cb" in text for text in t["s"]), TEXT).query.tensors() == {"s": ["cb"]}


def test_several_inputs_of_one_length(found):
    other = Input("u", "float32", ("batch", "time"), domain=Domain(0, 1, axes={"time": (3, 99)}))
    lengths = set()
    found(lambda t: lengths.add((t["t"].shape, t["u"].shape)), TOKENS, other, examples=30)
    assert all(one == two and 3 <= one[1] <= 50 for one, two in lengths)


def test_a_picture_is_drawn_by_a_few_numbers_and_told_in_a_few_words(found):
    result = found(lambda t: (t["x"][:, 0, 5, 5] > 0.9).any(), PICTURE, examples=40)
    (text,) = result.query.texts
    assert len(text) < 120
    assert "[3, 224, 224]" in text


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int64"])
def test_nothing_outside_the_domain_is_drawn(found, dtype):
    drawn = Input("x", dtype, ("batch", 9, 9), domain=Domain(0.1 if "float" in dtype else 2, 100))
    seen = []
    found(lambda t: seen.append(t["x"]), drawn, examples=40)
    assert {array.dtype.name for array in seen} == {dtype}
    assert min(float(array.min()) for array in seen) >= drawn.domain.low
    assert max(float(array.max()) for array in seen) <= 100


def test_values_are_the_only_elements(found):
    seen = []
    found(lambda t: seen.append(t["x"]), Input("x", "uint8", (90,), domain=Domain(values=(3, 200))), examples=40)
    assert set(np.unique(np.concatenate(seen))) == {3, 200}


def test_batches_of_one_to_eight(found):
    sizes = set()
    found(lambda t: sizes.add(len(t["x"])), NUMBERS)
    assert {1, 8} <= sizes <= set(range(1, 9))


def test_a_model_of_one_item_at_a_time_gets_one(found):
    shapes = set()
    found(lambda t: shapes.add(t["x"].shape), Input("x", "float32", (1, 4), domain=Domain(0, 1)), examples=20)
    assert shapes == {(1, 4)}


def test_two_searches_draw_the_same(found):
    runs = ([], [])
    for seen in runs:
        found(lambda t, seen=seen: seen.append(t["x"].tobytes()), NUMBERS, examples=30)
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 20


def test_a_failure_is_raised_and_not_made_smaller(tmp_path):
    asked = []

    def look(query):
        asked.append(query)
        raise ModelError("no")

    with pytest.raises(ModelError, match="no"):
        search(queries([NUMBERS]), (), look, 50, 60, tmp_path)
    assert len(asked) == 1


def test_a_breach_that_does_not_come_back_is_told_all_the_same(found):
    count = iter(range(10**6))
    assert found(lambda t: next(count) == 5, NUMBERS).seen.breach.what == "wrong"


def test_items_of_another_length_are_not_asked_about_together(tmp_path):
    items = [np.zeros(3, np.float32), np.zeros(5, np.float32)]
    free = Input("x", "float32", ("batch", "n"))
    shapes = set()

    def look(query):
        shapes.add(query.tensors()["x"].shape[1])
        return Seen()

    drawn = queries_of_items([free], 2, lambda place: ({"x": items[place]}, f"item {place}"))
    assert search(drawn, (), look, 40, 60, tmp_path).seen is None
    assert shapes == {3, 5}


def test_hypothesis_writes_where_it_is_told_and_is_left_as_it_was(found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    configuration.set_hypothesis_home_dir(tmp_path / "somebody's")
    try:
        found(lambda t: False, TEXT, examples=5)
        assert configuration.storage_directory(intent_to_write=False).home_directory == tmp_path / "somebody's"
    finally:
        configuration.set_hypothesis_home_dir(None)
    assert {path.name for path in Path.cwd().iterdir()} <= {"home"}


def test_a_sketch_spreads_its_pattern_and_sets_its_spikes():
    within = Range.of(Domain(0, 9), "float32")
    sketch = Sketch(0, np.array([[1, 2], [3, 4]]), spikes=((0, 9),))
    assert sketch.array((4, 4), within).tolist() == [[9, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]


def test_the_ends_of_a_range_are_numbers_of_its_type():
    within = Range.of(Domain(0.1, 0.3), "float32")
    assert (within.low, within.high) != (0.1, 0.3)
    assert 0.1 <= within.low < 0.1000001
    assert 0.2999999 < within.high <= 0.3


def test_a_pattern_is_small_whatever_the_shape():
    assert coarse((3, 224, 224)) == (3, 4, 4)
    assert coarse((2, 5)) == (2, 5)
    assert np.prod(coarse((9, 9, 9, 9, 9))) <= 64

"""Pre- and post-processing as a manifest declares it, with the real steps."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_mlmodelscope.core.errors import ModelError
from pytest_mlmodelscope.core.manifest import Input, Output, Step
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.manifest.pipeline import TENSOR_BATCH, TEXT_BATCH, Decision, Preparation

FLAT = Step("flatten")
AS_FLOAT = Step("cast", {"dtype": "float32"})
ARGMAX = Step("argmax")
LOWER = Step("lowercase")
PIXELS = Input("x", "float32", ("batch", 4), steps=(FLAT, AS_FLOAT))
TEXT = Input("text", "string", ("batch",))


def pictures(*values, shape=(2, 2)):
    return [Item(str(number), np.full(shape, value, np.uint8)) for number, value in enumerate(values)]


def texts(*values):
    return [Item(str(number), value) for number, value in enumerate(values)]


def prepared(items, *inputs):
    return Preparation(inputs, {}).tensors(items)


def decided(outputs, count, *specs, batched=True):
    return Decision(specs, {}, batched).predictions(outputs, count)


# -- tensors ----------------------------------------------------------------------------------------


def test_items_are_stacked_along_the_first_axis():
    found = prepared(pictures(1, 2, 3), PIXELS)["x"]
    assert (found.shape, found.dtype) == ((3, 4), np.float32)
    assert found[:, 0].tolist() == [1.0, 2.0, 3.0]


def test_without_a_batch_axis_one_item_is_the_tensor():
    found = prepared(pictures(7), Input("x", "float32", (4,), steps=(FLAT, AS_FLOAT)))["x"]
    assert found.shape == (4,)


def test_one_number_stays_a_tensor_without_axes():
    assert prepared([Item("0", 7)], Input("x", "int64"))["x"].shape == ()


def test_text_is_a_list_and_no_tensor():
    assert prepared(texts("a", "b"), TEXT) == {"text": ["a", "b"]}
    assert prepared(texts("A"), Input("text", "string", ("batch",), steps=(LOWER,))) == {"text": ["a"]}


def test_every_input_is_made_under_its_name():
    length = Input("n", "int64", ("batch",), constant=4)
    found = prepared(pictures(1, 2), PIXELS, length)
    assert list(found) == ["x", "n"]
    assert found["n"].tolist() == [4, 4]


@pytest.mark.parametrize(
    ("shape", "dtype", "value", "expected"),
    [
        ((), "int64", 16000, np.array(16000)),
        ((2,), "float32", 0.5, np.array([0.5, 0.5])),
        (("batch", 3), "float32", 0.0, np.zeros((2, 3))),
        ((2, "batch", 1), "bool", True, np.ones((2, 2, 1))),
    ],
)
def test_a_constant_fills_its_shape(shape, dtype, value, expected):
    found = prepared(pictures(1, 2), Input("c", dtype, shape, constant=value))["c"]
    assert (found.dtype, found.shape) == (np.dtype(dtype), expected.shape)
    assert np.array_equal(found, expected)


def test_a_part_of_an_item_that_has_several():
    items = [Item("1", {"question": "who", "context": "me"}), Item("2", {"question": "what", "context": "it"})]
    question, context = (Input(name, "string", ("batch",), field=name) for name in ("question", "context"))
    assert prepared(items, question, context) == {"question": ["who", "what"], "context": ["me", "it"]}


@pytest.mark.parametrize("value", [{"answer": "x"}, "text", None, np.zeros(3)], ids=repr)
def test_a_part_that_an_item_lacks_is_told_with_the_item_and_the_input(value):
    wanting = Input("text", "string", ("batch",), field="question")
    with pytest.raises(ModelError, match='item 17 has no field "question", which the input text wants'):
        prepared([Item("17", value)], wanting)


def test_items_are_not_changed():
    (item,) = pictures(200)
    before = item.input.copy()
    prepared([item], Input("x", "float32", ("batch", 4), steps=(FLAT, AS_FLOAT, Step("scale", {"divide": 255}))))
    assert np.array_equal(item.input, before)
    assert item.input.dtype == np.uint8


# -- what does not fit ------------------------------------------------------------------------------


def test_another_dtype_is_refused_with_the_step_that_mends_it():
    with pytest.raises(ModelError, match="the steps of the input x give uint8") as refused:
        prepared(pictures(1), Input("x", "float32", ("batch", 4), steps=(FLAT,)))
    assert (refused.value.expected, refused.value.got) == ("float32", "uint8")
    assert "cast: {dtype: float32}" in refused.value.hint


@pytest.mark.parametrize(
    ("shape", "got"),
    [(("batch", 5), [4]), (("batch", 2, 2), [4]), (("batch", 4, 1), [4]), ((5,), [4]), ((2, 2), [4])],
)
def test_another_shape_is_refused_with_both(shape, got):
    with pytest.raises(ModelError, match="the steps of the input x give the wrong shape") as refused:
        prepared(pictures(1), Input("x", "float32", shape, steps=(FLAT, AS_FLOAT)))
    wanted = [axis for axis in shape if axis != "batch"]
    assert (refused.value.expected, refused.value.got) == (wanted, got)


def test_an_axis_that_is_named_may_have_any_length():
    free = Input("x", "float32", ("batch", "height", "width"), steps=(AS_FLOAT,))
    assert prepared(pictures(1, shape=(3, 5)), free)["x"].shape == (1, 3, 5)


def test_items_of_several_shapes_cannot_be_stacked():
    free = Input("x", "float32", ("batch", "height", "width"), steps=(AS_FLOAT,))
    mixed = [*pictures(1, shape=(2, 2)), *pictures(2, shape=(2, 3))]
    with pytest.raises(ModelError, match="wrong shape") as refused:
        prepared(mixed, free)
    assert "leave `batch` out" in refused.value.hint


def test_items_of_several_types_are_refused():
    mixed = [Item("0", np.zeros(4, np.float32)), Item("1", np.zeros(4))]
    with pytest.raises(ModelError, match="the steps of the input x give float64"):
        prepared(mixed, Input("x", "float32", ("batch", 4)))


def test_a_shape_that_is_not_declared_is_not_checked():
    assert prepared(pictures(1, shape=(2, 3)), Input("x", "uint8"))["x"].shape == (2, 3)


def test_a_step_that_fails_is_told_with_the_item_and_the_input():
    with pytest.raises(ModelError, match="pre-processing of item 0 for the input x failed: ") as refused:
        prepared(texts("not a picture"), Input("x", "float32", ("batch", 4), steps=(FLAT, AS_FLOAT)))
    assert "check the steps" in refused.value.hint
    assert refused.value.__cause__ is not None


def test_among_many_the_item_that_fails_is_named():
    flat = Input("x", "float32", ("batch", 4), steps=(FLAT, Step("normalize", {"mean": [1, 2, 3, 4], "std": [1] * 4})))
    items = [*(Item(str(number), np.zeros((2, 2))) for number in range(3)), Item("short", np.zeros(3))]
    with pytest.raises(ModelError, match="pre-processing of item short for the input x failed: "):
        prepared(items, flat)


def test_a_picture_that_is_none_is_told_as_such():
    decode = Input("x", "uint8", ("batch", "height", "width", 3), steps=(Step("decode"),))
    with pytest.raises(ModelError, match=r"pre-processing of item broken\.png"):
        prepared([Item("broken.png", b"GIF89a and then nothing")], decode)


# -- how many items go into a query -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "asked", "size"),
    [
        ((PIXELS,), None, TENSOR_BATCH),
        ((PIXELS,), 1, 1),
        ((PIXELS,), 7, 7),
        ((TEXT,), None, TEXT_BATCH),
        ((TEXT,), 7, 7),
        ((TEXT, PIXELS), None, TEXT_BATCH),
        ((PIXELS, Input("c", "int64", (), constant=1)), None, TENSOR_BATCH),
        ((Input("x", "float32", (4,)),), None, 1),
        ((Input("x", "float32", (4,)),), 1, 1),
        ((PIXELS, Input("x", "float32", (4,))), None, 1),
    ],
    ids=str,
)
def test_a_query_holds_as_many_items_as_asked_and_as_the_model_takes(inputs, asked, size):
    assert Preparation(inputs, {}).batch_size(asked) == size


def test_a_batch_is_refused_where_the_model_takes_one_item_at_a_time():
    with pytest.raises(ModelError, match="a batch of 8 is asked of a model that takes one item at a time") as refused:
        Preparation((Input("x", "float32", (4,)),), {}).batch_size(8)
    assert "`batch`" in refused.value.hint


# -- predictions --------------------------------------------------------------------------------------

SCORES = np.array([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5]], np.float32)


def test_the_steps_of_an_output_make_one_prediction_an_item():
    assert decided({"y": SCORES}, 3, Output("y", steps=(ARGMAX,))) == [1, 0, 0]


def test_the_output_with_steps_is_the_prediction_wherever_it_stands():
    outputs = {"hidden": np.zeros((3, 8)), "y": SCORES}
    assert decided(outputs, 3, Output("hidden"), Output("y", steps=(ARGMAX,))) == [1, 0, 0]


def test_of_several_outputs_with_steps_the_first_counts():
    outputs = {"a": SCORES, "b": -SCORES}
    assert decided(outputs, 3, Output("a", steps=(ARGMAX,)), Output("b", steps=(ARGMAX,))) == [1, 0, 0]


def test_without_steps_the_first_output_is_the_prediction_as_it_is():
    assert decided({"y": ["a", "b"], "z": [1, 2]}, 2, Output("y"), Output("z")) == ["a", "b"]


def test_without_declared_outputs_the_first_that_comes_counts():
    assert decided({"label": ["a", "b"], "score": np.ones(2)}, 2) == ["a", "b"]


def test_numbers_become_plain_ones():
    (first, second) = decided({"y": np.array([1.5, 2.5])}, 2, Output("y"))
    assert (first, second) == (1.5, 2.5)
    assert type(first) is float
    assert type(decided({"y": np.array([3])}, 1, Output("y"))[0]) is int


def test_no_answer_stays_none_and_meets_no_step():
    assert decided({"y": ["Yes", None, "NO"]}, 3, Output("y", steps=(LOWER,))) == ["yes", None, "no"]
    assert decided({"y": [None, None]}, 2, Output("y")) == [None, None]


def test_a_model_of_one_item_gives_its_whole_output():
    assert decided({"y": np.array([0.1, 0.7, 0.2])}, 1, Output("y", steps=(ARGMAX,)), batched=False) == [1]
    ((row,),) = decided({"y": np.array([[1.0, 2.0]])}, 1, Output("y"), batched=False)
    assert row.tolist() == [1.0, 2.0]


def test_an_output_that_is_missing_is_told_with_those_that_are_there():
    with pytest.raises(ModelError, match='the model has no output "scores"') as refused:
        decided({"y": SCORES, "z": SCORES}, 3, Output("scores", steps=(ARGMAX,)))
    assert refused.value.got == "y, z"


def test_a_model_that_gives_nothing_is_told():
    with pytest.raises(ModelError, match='no output "y"') as refused:
        decided({}, 1, Output("y"))
    assert refused.value.got == "none"
    with pytest.raises(ModelError, match="no output"):
        decided({}, 1)


@pytest.mark.parametrize("outputs", [{"y": SCORES[:2]}, {"y": ["a"]}, {"y": np.zeros((0, 2))}], ids=str)
def test_another_number_of_entries_than_items_is_refused(outputs):
    with pytest.raises(ModelError, match=rf"the output y has {len(outputs['y'])} entries for 3 items"):
        decided(outputs, 3, Output("y"))


def test_one_number_for_a_whole_batch_is_refused():
    with pytest.raises(ModelError, match="the output y has no entries, but one value, for 3 items"):
        decided({"y": np.array(0.5)}, 3, Output("y"))


def test_a_step_that_fails_on_an_output_is_told_with_what_to_look_at():
    with pytest.raises(ModelError, match="post-processing failed: ") as refused:
        decided({"y": SCORES}, 3, Output("y", steps=(Step("select", {"at": 5}),)))
    assert "output's steps" in refused.value.hint


def test_a_label_beyond_the_list_is_told(tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("only\n")
    steps = (ARGMAX, Step("labels", {"asset": "words"}))
    with pytest.raises(ModelError, match="post-processing failed"):
        Decision((Output("y", steps=steps),), {"words": words}, True).predictions({"y": SCORES}, 3)

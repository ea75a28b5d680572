"""Arrays that are kept by their digest, and outputs as long as they are not too large."""

from pathlib import Path

import numpy as np
import pytest

from pytest_mlmodelscope.store import arrays
from pytest_mlmodelscope.store.outputs import Outputs

SOME = {"y": np.arange(6, dtype=np.float32).reshape(2, 3), "file": np.array(["a", "b\u00e4"]), "a/b:0": np.array(7)}


def test_what_is_kept_comes_back(tmp_path):
    kept = arrays.keep(tmp_path, SOME)
    found = arrays.read(Path(kept["file"]))
    assert set(found) == set(SOME)
    for name, value in SOME.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == value.dtype
    assert kept["bytes"] == sum(value.nbytes for value in SOME.values())


def test_the_same_arrays_are_one_file(tmp_path):
    one, two = arrays.keep(tmp_path, SOME), arrays.keep(tmp_path, dict(reversed(SOME.items())))
    assert one == two
    assert len(list(tmp_path.rglob("*.npz"))) == 1
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    "change",
    [
        {"y": SOME["y"] + np.float32(1e-7) * SOME["y"]},
        {"y": SOME["y"].reshape(3, 2)},
        {"y": SOME["y"].astype(np.float64)},
        {"z": SOME["y"]},
    ],
    ids=["last bit", "shape", "type", "name"],
)
def test_other_arrays_have_another_digest(tmp_path, change):
    assert arrays.keep(tmp_path, SOME)["sha256"] != arrays.keep(tmp_path, {**SOME, **change})["sha256"]


def test_outputs_of_batches_are_joined(tmp_path):
    outputs = Outputs()
    outputs.add({"y": np.ones((2, 3)), "text": ["a", "b"]}, batched=True)
    outputs.add({"y": np.zeros((1, 3)), "text": ["c"]}, batched=True)
    kept = outputs.keep(tmp_path)
    assert kept["names"] == ["y"]
    np.testing.assert_array_equal(arrays.read(Path(kept["file"]))["y"], [[1] * 3, [1] * 3, [0] * 3])


def test_outputs_of_single_items_get_their_axis(tmp_path):
    outputs = Outputs()
    for number in range(3):
        outputs.add({"y": np.full(2, number)}, batched=False)
    assert arrays.read(Path(outputs.keep(tmp_path)["file"]))["y"].tolist() == [[0, 0], [1, 1], [2, 2]]


def test_what_is_added_may_change_afterwards(tmp_path):
    outputs, array = Outputs(), np.ones((1, 2))
    outputs.add({"y": array}, batched=True)
    array[...] = 9
    assert arrays.read(Path(outputs.keep(tmp_path)["file"]))["y"].tolist() == [[1, 1]]


def test_too_much_is_not_kept_and_it_says_so(tmp_path):
    outputs = Outputs(most=2_000_000)
    for _ in range(3):
        outputs.add({"y": np.zeros((1, 125_000))}, batched=True)
    assert outputs.keep(tmp_path) == {"why": "outputs of more than 2 MB are not kept"}
    assert list(tmp_path.iterdir()) == []


def test_outputs_of_many_shapes_are_not_kept(tmp_path):
    outputs = Outputs()
    outputs.add({"boxes": np.zeros((1, 4, 5))}, batched=True)
    outputs.add({"boxes": np.zeros((1, 6, 5))}, batched=True)
    assert "of one shape" in outputs.keep(tmp_path)["why"]

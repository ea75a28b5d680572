"""What an ONNX file says of itself, held against what the ``onnx`` package reads from it."""

import math
import random
from contextlib import suppress

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pytest_mlmodelscope.frameworks._onnx import survey


def model(nodes, initializers):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None])
    return helper.make_model(helper.make_graph(nodes, "g", [x], [y], initializers))


def saved(tmp_path, proto):
    path = tmp_path / "model.onnx"
    onnx.save(proto, path)
    return str(path)


@pytest.mark.parametrize(
    ("dtype", "precision"), [("float32", "fp32"), ("float16", "fp16"), ("float64", "fp64"), ("int64", "fp32")]
)
def test_the_precision_is_that_of_most_weights(tmp_path, dtype, precision):
    weights = [numpy_helper.from_array(np.ones((3, 5), dtype), "w"), numpy_helper.from_array(np.ones(2, "f4"), "b")]
    count, found = survey(saved(tmp_path, model([helper.make_node("Identity", ["x"], ["y"])], weights)))
    assert found == precision
    assert count == (2 if dtype == "int64" else 17)


def test_weights_in_constants_and_in_branches_count(tmp_path):
    weights = numpy_helper.from_array(np.ones((4, 4), "f4"), "c")
    constant = helper.make_node("Constant", [], ["c"], value=weights)
    shape = helper.make_node("Constant", [], ["s"], value=numpy_helper.from_array(np.array([1, 2]), "s"))
    inner = helper.make_graph([constant], "then", [], [helper.make_tensor_value_info("c", TensorProto.FLOAT, [4, 4])])
    branch = helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    assert survey(saved(tmp_path, model([constant, shape, branch], []))) == (48, "fp32")


def test_quantised_operators_make_it_int8(tmp_path):
    nodes = [helper.make_node("QLinearMatMul", ["x"], ["y"])]
    assert survey(saved(tmp_path, model(nodes, [numpy_helper.from_array(np.ones((8, 8), "i1"), "w")]))) == (64, "int8")


def test_it_counts_what_onnx_counts_in_a_real_architecture(tmp_path):
    rng = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(rng.random(shape, dtype=np.float32), f"w{index}")
        for index, shape in enumerate([(64, 3, 7, 7), (64,), (128, 64, 3, 3), (1000, 512)])
    ]
    proto = model([helper.make_node("Identity", ["x"], ["y"])], weights)
    expected = sum(math.prod(tensor.dims) for tensor in proto.graph.initializer)
    assert survey(saved(tmp_path, proto))[0] == expected


def test_a_damaged_file_is_refused_and_never_crashes(tmp_path):
    whole = model(
        [helper.make_node("Identity", ["x"], ["y"])], [numpy_helper.from_array(np.ones(9, "f4"), "w")]
    ).SerializeToString()
    path = tmp_path / "damaged.onnx"
    dice = random.Random(1)
    for _ in range(500):
        damaged = bytearray(whole[: dice.randrange(1, len(whole))])
        damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        path.write_bytes(damaged)
        with suppress(ValueError):
            survey(str(path))


@pytest.mark.parametrize("content", [b"", b"this is no model\n" * 30, b"\x00" * 50])
def test_what_is_no_model_is_called_that(tmp_path, content):
    path = tmp_path / "none.onnx"
    path.write_bytes(content)
    if content.startswith(b"\0"):
        assert survey(str(path)) == (0, "fp32")  # valid to the format, and ONNX Runtime refuses it
    else:
        with pytest.raises(ValueError, match="ONNX model"):
            survey(str(path))


def external(tmp_path, location):
    proto = model([helper.make_node("Identity", ["x"], ["y"])], [numpy_helper.from_array(np.ones(64, "f4"), "w")])
    tensor = proto.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(np.ones(64, "f4").tobytes())
    (tmp_path / "secret").write_bytes(b"\0" * 256)
    (folder / "link").symlink_to(tmp_path / "secret")
    return saved(folder, proto)


def test_weights_beside_the_model_count(tmp_path):
    assert survey(external(tmp_path, "weights.bin")) == (64, "fp32")


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "link", "nothing/../../secret"])
def test_weights_from_anywhere_else_are_refused(tmp_path, location):
    with pytest.raises(ValueError, match="outside its own folder"):
        survey(external(tmp_path, location))

"""OpenCV's DNN module keeps every rule, in each of the formats that it reads."""

import numpy as np
import onnx
import pytest
from protobuf import message
from tiny import ITEMS, OUTPUTS, WEIGHTS, X, tiny_onnx

from pytest_mlmodelscope.core.errors import ModelError
from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel


class TestOpenCvWithOnnx(FrameworkTests):
    framework = "opencv"

    def build(self, folder, environment):
        onnx.save(tiny_onnx(13), folder / "tiny")
        return TinyModel(files={"model": folder / "tiny"}, inputs=[X], outputs=OUTPUTS[::-1], items=ITEMS)

    def test_weights_are_counted(self, opened):
        assert opened[1]["parameters"] == 16

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"outputs": [{"name": "other"}]}, 'no layer "other"; it has .*y, z'),
            ({"inputs": [{**X, "name": "other"}]}, 'no input "other"'),
            ({"inputs": [{**X, "dtype": "uint8"}]}, 'the dtype of the input "x", uint8 cannot be given'),
            ({"options": {"format": "caffe"}}, "must give its prototxt as network"),
        ],
    )
    def test_what_the_manifest_says_has_to_be_so(self, model, tiny, environment, changes, why):
        with self.agent(environment) as agent, pytest.raises(ModelError, match=why):
            agent.open(tiny.request(**changes))


PROTOTXT = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 4 } } }
layer { name: "y" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 4 bias_term: false } }
layer { name: "z" type: "TanH" bottom: "y" top: "z" }
"""


class TestOpenCvWithCaffe(FrameworkTests):
    framework = "opencv"

    def build(self, folder, environment):
        blob = message((7, message((1, [4, 4]))), (5, WEIGHTS.T.ravel().tolist()))
        layer = message((1, "y"), (2, "InnerProduct"), (3, "x"), (4, "y"), (7, blob))
        (folder / "tiny.caffemodel").write_bytes(message((1, "tiny"), (100, layer)))
        (folder / "tiny.prototxt").write_text(PROTOTXT)
        files = {"model": folder / "tiny.caffemodel", "network": folder / "tiny.prototxt"}
        options = {"format": "caffe"}
        return TinyModel(files=files, options=options, inputs=[X], outputs=OUTPUTS[::-1], items=ITEMS)


FLOAT = message((6, 1))


def node(name, operator, *inputs, **attributes):
    """One node of a TensorFlow graph."""
    entries = [(5, message((1, key), (2, value))) for key, value in attributes.items()]
    return 1, message((1, name), (2, operator), *((3, one) for one in inputs), *entries)


def constant(name, values):
    """A tensor of such a graph."""
    shape = message(*((2, message((1, length))) for length in values.shape))
    tensor = message((1, 1), (2, shape), (4, values.astype("<f4").tobytes()))
    return node(name, "Const", dtype=FLOAT, value=message((8, tensor)))


class TestOpenCvWithTensorFlow(FrameworkTests):
    framework = "opencv"

    def build(self, folder, environment):
        nodes = [
            node("x", "Placeholder", dtype=FLOAT),
            constant("w", WEIGHTS),
            node("y", "MatMul", "x", "w", T=FLOAT),
            node("z", "Tanh", "y", T=FLOAT),
        ]
        (folder / "tiny.pb").write_bytes(message(*nodes))
        options, files = {"format": "tensorflow"}, {"model": folder / "tiny.pb"}
        return TinyModel(files=files, options=options, inputs=[X], outputs=OUTPUTS[::-1], items=ITEMS)

    def test_a_convolution_takes_channels_first(self, model, tiny, environment, tmp_path):
        kernel = np.arange(6, dtype=np.float32).reshape(1, 1, 3, 2)
        strides, same = message((1, message((3, [1, 1, 1, 1])))), message((2, "SAME"))
        nodes = [
            node("x", "Placeholder", dtype=FLOAT),
            constant("w", kernel),
            node("y", "Conv2D", "x", "w", T=FLOAT, strides=strides, padding=same, data_format=message((2, "NHWC"))),
        ]
        (tmp_path / "net.pb").write_bytes(message(*nodes))
        inputs = [{"name": "x", "dtype": "float32", "shape": ["batch", 3, 5, 6]}]
        picture = np.random.default_rng(1).random((2, 3, 5, 6), dtype=np.float32)
        with self.agent(environment) as agent:
            request = tiny.request(files={"model": str(tmp_path / "net.pb")}, inputs=inputs, outputs=[{"name": "y"}])
            agent.open(request)
            outputs, _ = agent.predict({"x": picture})
        np.testing.assert_allclose(outputs["y"], np.einsum("nchw,co->nohw", picture, kernel[0, 0]), rtol=1e-5)

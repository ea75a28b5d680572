"""Caffe keeps every rule, and refuses in a sentence what would end its process."""

import numpy as np
import pytest
from tiny import ITEMS, OUTPUTS, X, run_inside

from pytest_mlmodelscope.core.errors import ModelError
from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel

INPUT = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 4 } } }\n'
INNER = 'layer { name: "inner" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 4 } }\n'
TANH = 'layer { name: "tanh" type: "TanH" bottom: "y" top: "z" }\n'
READER = 'layer { name: "reader" type: "HDF5Data" top: "data" hdf5_data_param { source: "/etc/passwd" batch_size: 1 } }'
#: The same, as Caffe wrote it before its version 1.
OLD = """
    input: "x" input_dim: 1 input_dim: 4 input_dim: 1 input_dim: 1
    layers { name: "inner" type: INNER_PRODUCT bottom: "x" top: "y" inner_product_param { num_output: 4 } }
    layers { name: "tanh" type: TANH bottom: "y" top: "z" }
"""
WEIGHTS = """
    import importlib.util, sys
    import numpy
    from google.protobuf import text_format
    sys.path.insert(0, importlib.util.find_spec("caffe").submodule_search_locations[0] + "/proto")
    import caffe_pb2

    network = caffe_pb2.NetParameter()
    with open(sys.argv[1] + "/tiny.prototxt") as file:
        text_format.Parse(file.read(), network)
    inner = [layer for layer in list(network.layer) + list(network.layers) if layer.name == "inner"][0]
    for values in (numpy.arange(16).reshape(4, 4) / 8, numpy.arange(4)):
        blob = inner.blobs.add()
        blob.data.extend(values.ravel().tolist())
        if inner.DESCRIPTOR.name == "LayerParameter":
            blob.shape.dim.extend(values.shape)
        else:
            blob.num, blob.channels, blob.height, blob.width = (1,) * (4 - values.ndim) + values.shape
    with open(sys.argv[1] + "/tiny.caffemodel", "wb") as file:
        file.write(network.SerializeToString())
"""

#: A network -> what is said of it.
REFUSED = {
    "an unknown type": (INPUT + INNER + TANH.replace("TanH", "TanG"), "Unknown layer type: TanG"),
    "an unknown field": (INPUT + INNER.replace("num_output", "outputs"), 'no field named "outputs"'),
    "a blob from nowhere": (INPUT + INNER + TANH.replace('bottom: "y"', 'bottom: "w"'), "Unknown bottom blob 'w'"),
    "other shapes than the weights": (INPUT + INNER.replace("4", "5") + TANH, "shape mismatch"),
    "a layer without weights": (INPUT + INNER + TANH.replace("TanH", "PReLU"), 'none for the layer "tanh"'),
    "a layer that reads files": (INPUT + INNER + TANH + READER, 'layer "reader" of the type HDF5Data reads files'),
    "a layer that runs code": (INPUT + INNER + TANH.replace("TanH", "Python"), 'layer "tanh" of the type Python'),
    "more than fits": (INPUT + INNER.replace("4 }", "2147483647 }") + TANH, "INT_MAX|allocation"),
}
#: A change of the manifest -> what is said of it.
UNDECLARED = {
    "an input": ({"inputs": [{**X, "name": "data"}]}, 'no input "data"; it has x'),
    "no input": ({"inputs": []}, 'an input "x" that the manifest does not declare'),
    "an output": ({"outputs": [{"name": "prob"}]}, 'no blob "prob"; it has x, y, z'),
    "a shape": ({"inputs": [{**X, "shape": ["batch", 6]}]}, "Input size incompatible with inner product"),
    "a type": ({"inputs": [{**X, "dtype": "float64"}]}, "float64 cannot be given here; possible: float32"),
}


class TestCaffe(FrameworkTests):
    framework = "caffe"

    def build(self, folder, environment):
        return model(folder, environment, INPUT + INNER + TANH, X)

    def test_it_computes_what_the_weights_say(self, opened, tiny):
        check_outputs(opened[0], tiny)
        assert opened[1]["parameters"] == 20

    def test_a_network_from_before_version_1_is_the_same(self, environment, tmp_path):
        old = model(tmp_path, environment, OLD, {**X, "shape": ["batch", 4, 1, 1]})
        with self.agent(environment) as agent:
            assert agent.open(old.request())["parameters"] == 20
            check_outputs(agent, old)

    @pytest.mark.parametrize("name", REFUSED)
    def test_what_is_wrong_with_a_network_is_said(self, environment, tiny, tmp_path, name):
        network, says = REFUSED[name]
        (tmp_path / "other.prototxt").write_text(network)
        files = {**tiny.request()["files"], "network": str(tmp_path / "other.prototxt")}
        with self.agent(environment) as agent, pytest.raises(ModelError, match=says):
            agent.open(tiny.request(files=files))

    @pytest.mark.parametrize("name", UNDECLARED)
    def test_what_the_manifest_declares_has_to_be_there(self, environment, tiny, name):
        changes, says = UNDECLARED[name]
        with self.agent(environment) as agent, pytest.raises(ModelError, match=says):
            agent.open(tiny.request(**changes))

    def test_an_empty_batch_is_refused(self, model, tiny):
        with pytest.raises(ModelError, match="empty"):
            model.predict({"x": np.zeros((0, 4), dtype=np.float32)})
        check_outputs(model, tiny)


def model(folder, environment, network, declared):
    (folder / "tiny.prototxt").write_text(network)
    run_inside(environment, WEIGHTS, folder)
    files = {"network": folder / "tiny.prototxt", "weights": folder / "tiny.caffemodel"}
    items = [{"x": item["x"].reshape(declared["shape"][1:])} for item in ITEMS]
    return TinyModel(files=files, inputs=[declared], outputs=OUTPUTS[::-1], items=items)


def check_outputs(agent, tiny):
    outputs, _ = agent.predict(tiny.query(tiny.items))
    x = np.stack([item["x"].ravel() for item in tiny.items])
    y = x @ (np.arange(16, dtype=np.float32).reshape(4, 4) / 8).T + np.arange(4, dtype=np.float32)
    np.testing.assert_allclose(outputs["y"], y, rtol=0, atol=1e-6)
    np.testing.assert_allclose(outputs["z"], np.tanh(y), rtol=0, atol=1e-6)

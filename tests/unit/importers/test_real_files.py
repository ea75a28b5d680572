"""Models that the frameworks themselves wrote: what is read off each, and that the manifest made of it really runs."""

from __future__ import annotations

import json
from typing import ClassVar

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper
from tiny import run_inside

from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.claim.expand import expand
from pytest_mlmodelscope.claim.load import load_claims
from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.engine.run import Engine, Settings
from pytest_mlmodelscope.interfaces.importer import Tensor
from pytest_mlmodelscope.library.described import described
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.testing.importers import Example, ImporterTests

WEIGHTS = np.random.RandomState(0).randn(4, 3).astype(np.float32)
ROWS = np.random.RandomState(1).randn(20, 4).round(4).astype(np.float32)
TENSORFLOW = """
    import os, sys, numpy as np, tensorflow as tf
    os.chdir(sys.argv[1])
    w = np.load("weights.npy")
    spec = tf.TensorSpec([None, 4], tf.float32, "x")

    class Module(tf.Module):
        @tf.function(input_signature=[spec])
        def serve(self, x):
            return {"scores": tf.linalg.matmul(x, w)}

    module = Module()
    tf.saved_model.save(module, "saved", signatures={"serving_default": module.serve, "other": module.serve})
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.serve.get_concrete_function()], module)
    open("net.tflite", "wb").write(converter.convert())
    last = tf.keras.layers.Dense(3, use_bias=False, name="scores")
    model = tf.keras.Sequential([tf.keras.Input([4], name="x"), last])
    model.layers[-1].set_weights([w])
    model.save("net.keras")
    graph = tf.Graph()
    with graph.as_default():
        tf.linalg.matmul(tf.compat.v1.placeholder(tf.float32, [None, 4], name="x"), w, name="scores")
    open("frozen.pb", "wb").write(graph.as_graph_def().SerializeToString())
"""
#: What is scripted has to be a file.
NETS = """\
import numpy, torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scores = torch.nn.Linear(4, 3, bias=False)
        self.scores.weight.data = torch.from_numpy(numpy.load("weights.npy").T.copy())

    def forward(self, x):
        return self.scores(x)


class Two(Net):
    def forward(self, x, y: torch.Tensor, scale: float = 2.0):
        return self.scores(x), y * scale
"""
PYTORCH = """
    import os, sys, torch
    os.chdir(sys.argv[1])
    sys.path.insert(0, ".")
    from nets import Net, Two
    torch.jit.script(Net()).save("scripted.pt")
    torch.jit.trace(Net(), torch.zeros(2, 4)).save("traced.pt")
    torch.jit.script(Two()).save("two.pt")
    torch.save(Net().state_dict(), "weights.pth")
"""
OPENVINO = """
    import os, sys, openvino
    os.chdir(sys.argv[1])
    openvino.save_model(openvino.convert_model("net.onnx"), "net.xml", compress_to_fp16=False)
"""


def write_onnx(path, items, **how):
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [items, 4])]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [items, 3])]
    node = helper.make_node("MatMul", ["x", "w"], ["scores"])
    graph = helper.make_graph([node], "g", inputs, outputs, [numpy_helper.from_array(WEIGHTS, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path, **how)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Every format, written by the framework that it belongs to; and items with the right answers."""
    folder = tmp_path_factory.mktemp("mine")
    np.save(folder / "weights.npy", WEIGHTS)
    (folder / "nets.py").write_text(NETS)
    write_onnx(folder / "net.onnx", "items")
    write_onnx(folder / "one.onnx", 1)
    write_onnx(folder / "apart.onnx", "items", save_as_external_data=True, location="apart.data", size_threshold=0)
    environments = Environments(Cache().root)
    for framework, text in (("tensorflow", TENSORFLOW), ("pytorch", PYTORCH), ("openvino", OPENVINO)):
        run_inside(environments.obtain(FrameworkUse(framework)), text, folder)
    rows = (",".join(map(str, row)) + f",{int((row @ WEIGHTS).argmax())}\n" for row in ROWS)
    (folder / "items.csv").write_text("a,b,c,d,class\n" + "".join(rows))
    return folder


X, SCORES = Tensor("x", "float32", ("batch", 4)), Tensor("scores", "float32", ("batch", 3))
FILES = {
    "net.onnx": ([X], [SCORES], {"onnxruntime": {}}),
    "one.onnx": ([Tensor("x", "float32", (1, 4))], [Tensor("scores", "float32", (1, 3))], {"onnxruntime": {}}),
    "apart.onnx": ([X], [SCORES], {"onnxruntime": {}}),
    "saved": ([X], [SCORES], {"tensorflow": {"format": "saved_model"}}),
    "saved/saved_model.pb": ([X], [SCORES], {"tensorflow": {"format": "saved_model"}}),
    "frozen.pb": ([X], [Tensor("scores")], {"tensorflow": {"format": "frozen_graph"}}),
    "net.keras": ([X], [Tensor("scores")], {"tensorflow": {"format": "keras"}}),
    "net.tflite": ([X], [SCORES], {"litert": {}}),
    "net.xml": ([X], [Tensor("scores")], {"openvino": {}}),
    "scripted.pt": ([Tensor("x")], [Tensor("output")], {"pytorch": {"format": "torchscript"}}),
    "traced.pt": ([Tensor("x")], [Tensor("output")], {"pytorch": {"format": "torchscript"}}),
    "two.pt": (
        [Tensor("x"), Tensor("y")],
        [Tensor("output"), Tensor("output1")],
        {"pytorch": {"format": "torchscript"}},
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_what_goes_in_and_what_comes_out_is_read_off_the_file(name, folder):
    inputs, outputs, frameworks = FILES[name]
    found = described(folder / name)
    assert list(found.inputs) == inputs
    assert list(found.outputs) == outputs
    assert found.frameworks == frameworks


def test_weights_alone_are_no_model(folder):
    with pytest.raises(Exception, match="weights and no code"):
        described(folder / "weights.pth")


def mlms(*arguments):
    done = CliRunner().invoke(cli, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in arguments else done.stdout


@pytest.fixture(scope="module")
def engine():
    engine = Engine(Settings())
    yield engine
    engine.close()


RUN = ["net.onnx", "one.onnx", "apart.onnx", "saved", "net.keras", "net.tflite", "net.xml", "scripted.pt"]


@pytest.mark.parametrize("name", RUN)
def test_the_manifest_of_each_passes_lint_and_runs(name, folder, engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shape = ["--input", "x=float32[batch,4]"] if name.endswith(".pt") else []
    mlms("new", "model", folder / name, "--name", "mine", "--task", "classification", "--yes", *shape)
    mlms("new", "dataset", folder / "items.csv", "--yes")
    mlms("new", "claim", "--value", "100", "--title", "Notes", "--where", "line 1", "--yes")
    assert mlms("lint", "claims", "manifests") == "3 files checked, 0 problems\n"
    (claim,) = load_claims(tmp_path / "claims/mine-accuracy.yml")
    (case,) = expand(claim, Shelf().catalogue)
    result = engine.verify(case)
    assert result.verdict.word == "confirmed", result.verdict
    assert (result.measurement.value, result.measurement.n) == (100, len(ROWS))


def test_weights_beside_a_model_are_put_into_one_file(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = mlms("new", "model", folder / "apart.onnx", "--yes", "--json")
    assert "apart.data" in told["notes"][0]
    model = onnx.load(tmp_path / "manifests/models/apart/apart.onnx")
    assert np.array_equal(numpy_helper.to_array(model.graph.initializer[0]), WEIGHTS)


class OfRealFiles(ImporterTests):
    """The examples of an importer are what its framework wrote."""

    files: ClassVar = ()

    @pytest.fixture(autouse=True)
    def _take(self, folder, request):
        request.cls.examples = tuple(self.example(folder / name) for name in self.files)

    def example(self, path):
        inputs, outputs, _ = FILES[path.name]
        content = path.read_bytes() if path.is_file() else {"saved_model.pb": (path / "saved_model.pb").read_bytes()}
        return Example(path.name, content, inputs, outputs)


class TestOnnx(OfRealFiles):
    importer, files = "onnx", ("net.onnx", "one.onnx")


class TestSavedModel(OfRealFiles):
    importer, files = "saved_model", ("saved",)


class TestFrozenGraph(OfRealFiles):
    importer, files = "frozen_graph", ("frozen.pb",)


class TestKeras(OfRealFiles):
    importer, files = "keras", ("net.keras",)


class TestTflite(OfRealFiles):
    importer, files = "tflite", ("net.tflite",)


class TestOpenvino(OfRealFiles):
    importer, files = "openvino", ("net.xml",)


class TestTorchscript(OfRealFiles):
    importer, files = "torchscript", ("scripted.pt", "traced.pt", "two.pt")


def test_every_importer_is_tested_with_a_real_file():
    tested = {one.importer for one in OfRealFiles.__subclasses__()}
    assert tested == set(names("importers"))

"""The frameworks that come along keep every rule."""

import subprocess
import textwrap
from typing import ClassVar

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel

ITEMS = [{"x": row} for row in np.linspace(-2, 3, 12, dtype=np.float32).reshape(3, 4)]
X = {"name": "x", "dtype": "float32", "shape": ["batch", 4]}
OUTPUTS = [{"name": "y"}, {"name": "z"}]


def run_inside(environment, script, *arguments):
    """Run a script in a framework's own environment."""
    command = [environment.python, "-I", "-c", textwrap.dedent(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


class TestOnnxRuntime(FrameworkTests):
    framework = "onnxruntime"

    def build(self, folder, environment):
        weights = numpy_helper.from_array(np.arange(16, dtype=np.float32).reshape(4, 4) / 8, "w")
        nodes = [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Tanh", ["y"], ["z"])]
        x, y, z = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4]) for name in "xyz")
        graph = helper.make_graph(nodes, "tiny", [x], [y, z], [weights])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, folder / "tiny.onnx")
        return TinyModel(files={"model": folder / "tiny.onnx"}, inputs=[X], outputs=OUTPUTS[::-1], items=ITEMS)


TORCH = """
    import sys, types, torch
    class Tiny(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(4, 4)
        def forward(self, x):
            y = self.linear(x)
            return y, torch.tanh(y)
    torch.manual_seed(1)
    tiny, example = Tiny().eval(), torch.zeros(2, 4)
    form, path = sys.argv[1:]
    if form == "torchscript":
        torch.jit.trace(tiny, example).save(path)
    elif form == "exported":
        batch = torch.export.Dim("batch", min=1, max=64)
        torch.export.save(torch.export.export(tiny, (example,), dynamic_shapes=({0: batch},)), path)
    else:
        torch.save({"weights": tiny.linear.state_dict()}, path)
"""


class TorchTests(FrameworkTests):
    framework = "pytorch"
    form = ""
    outputs = OUTPUTS
    options: ClassVar = {}

    def build(self, folder, environment):
        run_inside(environment, TORCH, self.form, folder / "tiny.pt")
        return TinyModel(
            files={"model": folder / "tiny.pt"},
            options={"format": self.form, **self.options},
            inputs=[X],
            outputs=self.outputs,
            items=ITEMS,
        )


class TestTorchScript(TorchTests):
    form = "torchscript"


class TestTorchExport(TorchTests):
    form = "exported"


class TestTorchWeights(TorchTests):
    form = "state_dict"
    outputs = OUTPUTS[:1]
    options: ClassVar = {
        "architecture": {"entry": "torch:nn.Linear", "args": [4], "kwargs": {"out_features": 4}},
        "key": "weights",
    }


class TestTensorFlow(FrameworkTests):
    framework = "tensorflow"

    def build(self, folder, environment):
        script = """
            import sys, tensorflow as tf
            class Tiny(tf.Module):
                def __init__(self):
                    super().__init__()
                    self.w = tf.Variable(tf.reshape(tf.range(16.0), (4, 4)) / 8)
                @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, "x")])
                def __call__(self, x):
                    y = tf.linalg.matmul(x, self.w)
                    return {"y": y, "z": tf.tanh(y), "w": tf.strings.as_string(y)}
            tiny = Tiny()
            tf.saved_model.save(tiny, sys.argv[1], signatures=tiny.__call__)
        """
        run_inside(environment, script, folder / "tiny")
        outputs = [*OUTPUTS[::-1], {"name": "w", "dtype": "string"}]
        return TinyModel(files={"model": folder / "tiny"}, inputs=[X], outputs=outputs, items=ITEMS)


TEXT = {"name": "text", "dtype": "string", "shape": ["batch"]}
TEXTS = [{"text": "one"}, {"text": "zwei"}, {"text": "\N{DIGIT THREE} drei"}]


class TestPythonFunction(FrameworkTests):
    framework = "python"

    def build(self, folder, environment):
        return TinyModel(options={"entry": "builtins:str.upper"}, inputs=[TEXT], outputs=OUTPUTS[:1], items=TEXTS)


class TestPythonObject(FrameworkTests):
    """An object with a method, and a place inside what it returns."""

    framework = "python"

    def build(self, folder, environment):
        options = {"entry": "re:compile", "construct": {"args": ["[aeiou]"]}, "call": "search", "result": "pos"}
        return TinyModel(options=options, inputs=[TEXT], outputs=OUTPUTS[:1], items=TEXTS)


class TestPythonBatch(FrameworkTests):
    """A function that takes all items at once."""

    framework = "python"

    def build(self, folder, environment):
        return TinyModel(
            options={"entry": "numpy:negative", "batch": True}, inputs=[X], outputs=OUTPUTS[:1], items=ITEMS
        )


@pytest.mark.parametrize("name", names("frameworks"))
def test_every_framework_can_be_had_here(name):
    # Where one cannot, its suite is skipped; this is where such a skip is counted.
    assert Environments(Cache().root).obtain(FrameworkUse(name)).framework == name

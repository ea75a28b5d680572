"""ONNX Runtime keeps every rule."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tiny import ITEMS, OUTPUTS, X

from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel


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

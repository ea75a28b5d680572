"""Two real frameworks under the check that compares them: ONNX Runtime and PyTorch."""

import hashlib

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from tiny import run_inside

from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.claim.expand import expand
from pytest_mlmodelscope.claim.load import load_claims
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.engine.run import Engine, Settings
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.load import Catalogue

WEIGHTS = np.random.default_rng(5).normal(size=(4, 3)).astype(np.float32)
TORCH = """
    import sys, torch
    weights = torch.tensor(eval(sys.argv[1]))
    linear = torch.nn.Linear(*weights.shape, bias=False).eval()
    linear.weight.data = weights.T.contiguous()
    torch.jit.trace(linear, torch.zeros(2, 4)).save(sys.argv[2])
"""
MANIFEST = """\
schema: model/1
name: linear
version: "1"
task: test
license: MIT
description: One matrix, in two formats.
assets:
  graph: {graph}
  script: {script}
inputs: [{{name: x, dtype: float32, shape: [batch, 4], domain: {{low: -1, high: 1}}}}]
outputs: [{{name: y, steps: [argmax]}}]
frameworks:
  onnxruntime: {{assets: {{model: graph}}}}
  pytorch: {{assets: {{model: script}}, format: torchscript}}
"""
CLAIM = "schema: claim/1\nid: c\nmodel: linear\ncheck: {name: agrees_with, framework: onnxruntime, examples: 30}\n"


def onnx_bytes(weights):
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def asset(path):
    data = path.read_bytes()
    return f"{{path: {path.name}, sha256: {hashlib.sha256(data).hexdigest()}, size: {len(data)}, license: MIT}}"


@pytest.fixture(scope="module")
def torch_environment():
    return Environments(Cache().root).obtain(FrameworkUse("pytorch"))


@pytest.fixture
def verify(tmp_path, torch_environment):
    """The result of the check, when PyTorch has the weights and ONNX Runtime these."""

    def of(weights):
        models = tmp_path / "manifests" / "models"
        models.mkdir(parents=True)
        (models / "linear.onnx").write_bytes(onnx_bytes(weights))
        run_inside(torch_environment, TORCH, WEIGHTS.tolist(), models / "linear.pt")
        text = MANIFEST.format(graph=asset(models / "linear.onnx"), script=asset(models / "linear.pt"))
        (models / "linear.yml").write_text(text)
        (tmp_path / "c.yml").write_text(CLAIM)
        (claim,) = load_claims(tmp_path / "c.yml")
        (case,) = expand(claim, Catalogue([tmp_path / "manifests"]))
        with Engine(Settings(offline=True)) as engine:
            return engine.verify(case)

    return of


def test_one_model_in_two_frameworks_agrees(verify):
    result = verify(WEIGHTS)
    assert result.verdict.word == "confirmed", result.verdict.reason
    assert (result.software["framework"], result.check["beside"]["framework"]) == ("pytorch", "onnxruntime")
    assert result.check["decided"] >= 30


def test_one_weight_that_differs_is_found(verify):
    other = WEIGHTS.copy()
    other[1, 2] += 0.01
    result = verify(other)
    assert result.verdict.word == "refuted"
    assert "y of item 1" in result.verdict.reason
    assert "at [2]" in result.verdict.reason

"""ONNX Runtime's predictor with a GPU that is not there: what the provider is told, and what it says it took.

That a GPU which is not there is refused is tested for real in tests/conformance.
"""

import os

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from pytest_mlmodelscope.frameworks.onnxruntime import predictor

CUDA, TENSORRT = "CUDAExecutionProvider", "TensorrtExecutionProvider"


class Session:
    """A session of the processor that says it is what it was asked to be; ``ignores`` are options it does not take."""

    ignores: tuple = ()

    def __init__(self, path, options, providers):
        self.asked = dict(providers)
        self.real = onnxruntime.capi.onnxruntime_inference_collection.InferenceSession(path, options)

    def get_providers(self):
        return [*self.asked, "CPUExecutionProvider"]

    def get_provider_options(self):
        kept = {name: {**options} for name, options in self.asked.items()}
        for options in kept.values():
            options.update({name: "1" for name in self.ignores if name in options})
        return kept

    def __getattr__(self, name):
        return getattr(self.real, name)


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """Opens a model of fp32 on the GPU: ``opened("tf32", provider="tensorrt")``."""
    monkeypatch.setattr(onnxruntime, "InferenceSession", type("Mine", (Session,), {}))
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "before")
    weights = numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4]) for name in "xy")
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "tiny", [x], [y], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "tiny.onnx")

    def opening(precision, **options):
        return predictor.load(
            {
                "files": {"model": str(tmp_path / "tiny.onnx")},
                "options": options,
                "inputs": [{"name": "x", "dtype": "float32", "shape": ["batch", 4]}],
                "outputs": [{"name": "y"}],
                "threads": 1,
                "device": "gpu",
                "precision": precision,
            }
        )

    return opening


@pytest.mark.parametrize(
    ("precision", "provider", "told", "override"),
    [
        ("fp32", "cuda", {"use_tf32": "0"}, "0"),
        ("tf32", "cuda", {"use_tf32": "1"}, None),
        ("fp32", "tensorrt", {}, "0"),
        ("tf32", "tensorrt", {}, None),
        ("fp16", "tensorrt", {"trt_fp16_enable": "1"}, "0"),
        ("bf16", "tensorrt", {"trt_bf16_enable": "1"}, "0"),
    ],
)
def test_the_provider_is_told_the_precision(opened, precision, provider, told, override):
    model = opened(precision, provider=provider)
    about = model.describe()
    assert (about["precision"], about["device"], about["provider_options"]) == (precision, "gpu", told)
    assert about["providers"][0] == {"cuda": CUDA, "tensorrt": TENSORRT}[provider]
    assert model._session.asked == {about["providers"][0]: told}
    assert os.environ.get("NVIDIA_TF32_OVERRIDE") == override
    assert model.predict({"x": np.ones((2, 4), np.float32)})["y"].shape == (2, 4)


def test_a_provider_that_takes_another_value_is_refused(opened, monkeypatch):
    monkeypatch.setattr(onnxruntime.InferenceSession, "ignores", ("use_tf32",))
    with pytest.raises(ValueError, match="CUDAExecutionProvider took 1 for use_tf32, not 0"):
        opened("fp32")


@pytest.mark.parametrize("precision", ["fp16", "bf16", "int8"])
def test_cuda_rounds_no_weights(opened, precision):
    with pytest.raises(ValueError, match=f"{precision} cannot be given here; possible: fp32, tf32"):
        opened(precision)


def test_cuda_has_no_whole_numbers(opened, monkeypatch):
    monkeypatch.setattr(predictor, "survey", lambda path: (16, "int8"))
    with pytest.raises(ValueError, match="computes quantised operators in fp32; `provider: tensorrt` has int8"):
        opened("int8")
    assert opened("int8", provider="tensorrt").describe()["precision"] == "int8"

"""Models in the ONNX format, on ONNX Runtime."""

import os
from typing import Any

import numpy
import onnxruntime

from pytest_mlmodelscope.frameworks._declared import only, threads
from pytest_mlmodelscope.frameworks._onnx import survey

#: What a device's work is given to; the first is taken where the manifest names none.
_PROVIDERS = {
    "cpu": {"cpu": "CPUExecutionProvider"},
    "gpu": {"cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"},
}
_LEVELS = {
    "all": "ORT_ENABLE_ALL",
    "extended": "ORT_ENABLE_EXTENDED",
    "basic": "ORT_ENABLE_BASIC",
    "none": "ORT_DISABLE_ALL",
}
#: Where this is 0, no library of NVIDIA's rounds fp32 to tf32 on its own.
_TF32 = "NVIDIA_TF32_OVERRIDE"


class OnnxPredictor:
    """One inference session."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], _PROVIDERS)
        self._request = request
        self._threads = threads(request["threads"])
        self._parameters, stored = survey(request["files"]["model"])
        self._precision = _arithmetic(request, stored)
        self._session = self._open(_provider(request))
        self._outputs = self._names(request["outputs"], self._session.get_outputs(), "output")
        self._names(request["inputs"], self._session.get_inputs(), "input")
        # Found once: a small model takes 40 us, of which a microsecond more is two per cent.
        self._run = self._session.run
        self._takes_text = any("string" in node.type for node in self._session.get_inputs())

    def _open(self, provider: str) -> "Any":
        if self._request["device"] == "gpu" and hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls()  # CUDA and cuDNN of this environment, not of the system
        session = onnxruntime.InferenceSession(
            self._request["files"]["model"], self._session_options(), providers=[provider]
        )
        # ONNX Runtime takes the CPU without a word when a device cannot be had.
        if session.get_providers()[0] != provider:
            raise ValueError("%s cannot be had here; ONNX Runtime took %s" % (provider, session.get_providers()[0]))
        return session

    def _session_options(self) -> "Any":
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        # Threads that spin make a busy machine several times slower.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        level = _LEVELS[self._request["options"].get("graph_optimization", "all")]
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        return options

    @staticmethod
    def _names(declared: "list[dict[str, Any]]", real: "Any", what: str) -> "list[str]":
        has = [node.name for node in real]
        for entry in declared:
            if entry["name"] not in has:
                raise ValueError('the model has no %s "%s"; it has %s' % (what, entry["name"], ", ".join(has)))
        return [entry["name"] for entry in declared] or has

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """All declared outputs by name."""
        feed = {name: _array(value) for name, value in inputs.items()} if self._takes_text else inputs
        return dict(zip(self._outputs, self._run(self._outputs, feed)))

    def describe(self) -> "dict[str, Any]":
        """Versions, threads, precision and providers as they really are."""
        about = getattr(onnxruntime, "get_build_info", onnxruntime.get_device)
        return {
            "framework": "onnxruntime",
            "version": onnxruntime.__version__,
            "device": self._request["device"],
            "threads": self._session.get_session_options().intra_op_num_threads,
            "precision": self._precision,
            "build": about(),
            "providers": self._session.get_providers(),
            "libraries": {"numpy": numpy.__version__},
            "parameters": self._parameters,
        }


def _provider(request: "dict[str, Any]") -> str:
    """What the manifest names, where this device has it; on a processor it is always the processor."""
    known = _PROVIDERS[request["device"]]
    wanted = request["options"].get("provider") if request["device"] == "gpu" else None
    return known[wanted or next(iter(known))]


def _arithmetic(request: "dict[str, Any]", stored: str) -> str:
    """The precision that is asked for, where the model and the device can give it."""
    possible = [stored, "tf32"] if stored == "fp32" and request["device"] == "gpu" else [stored]
    only("the precision", request["precision"], possible)
    # Read when the libraries are loaded, which happens with the first session.
    if request["precision"] == "tf32":
        os.environ.pop(_TF32, None)
    else:
        os.environ[_TF32] = "0"
    return str(request["precision"])


def _array(value: "Any") -> "Any":
    return value if hasattr(value, "dtype") else numpy.array(value, dtype=object)


def load(request: "dict[str, Any]") -> OnnxPredictor:
    """Open the model."""
    return OnnxPredictor(request)

"""Models in the ONNX format, on ONNX Runtime."""

from typing import Any

import numpy
import onnxruntime

from pytest_mlmodelscope.frameworks._declared import check, only, threads
from pytest_mlmodelscope.frameworks.onnxruntime.graph import survey

_PROVIDERS = {"cpu": "CPUExecutionProvider", "gpu": "CUDAExecutionProvider"}
_LEVELS = {
    "all": "ORT_ENABLE_ALL",
    "extended": "ORT_ENABLE_EXTENDED",
    "basic": "ORT_ENABLE_BASIC",
    "none": "ORT_DISABLE_ALL",
}


class OnnxPredictor:
    """One inference session."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], _PROVIDERS)
        self._request = request
        self._threads = threads(request["threads"])
        self._parameters, self._precision = survey(request["files"]["model"])
        only("the precision", request["precision"], [self._precision])
        self._session = self._open(_PROVIDERS[request["device"]])
        self._outputs = self._names(request["outputs"], self._session.get_outputs(), "output")
        self._names(request["inputs"], self._session.get_inputs(), "input")

    def _open(self, provider: str) -> "Any":
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
        check(self._request["inputs"], inputs)
        feed = {name: _array(value) for name, value in inputs.items()}
        return dict(zip(self._outputs, self._session.run(self._outputs, feed)))

    def describe(self) -> "dict[str, Any]":
        """Versions, threads and precision as they really are."""
        return {
            "framework": "onnxruntime",
            "version": onnxruntime.__version__,
            "device": self._request["device"],
            "threads": self._session.get_session_options().intra_op_num_threads,
            "precision": self._precision,
            "build": onnxruntime.get_build_info(),
            "libraries": {"numpy": numpy.__version__},
            "parameters": self._parameters,
        }


def _array(value: "Any") -> "Any":
    return value if hasattr(value, "dtype") else numpy.array(value, dtype=object)


def load(request: "dict[str, Any]") -> OnnxPredictor:
    """Open the model."""
    return OnnxPredictor(request)

"""Models in the ONNX format, on ONNX Runtime."""

from typing import Any

import numpy
import onnxruntime

from pytest_mlmodelscope.frameworks._declared import only, threads
from pytest_mlmodelscope.frameworks._nvidia import allow_tf32
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
#: What CUDA's provider is told of tf32 from this version on; it would round without a word.
_TELLS_TF32 = (1, 18)
#: TensorRT rounds a model of fp32 itself, by these options of its provider.
_ROUNDED = {"fp16": "trt_fp16_enable", "bf16": "trt_bf16_enable"}


class OnnxPredictor:
    """One inference session."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], _PROVIDERS)
        self._request = request
        self._threads = threads(request["threads"])
        self._parameters, stored = survey(request["files"]["model"])
        provider = _provider(request)
        self._precision = _arithmetic(request, stored, provider)
        self._session = self._open(provider, _options(provider, self._precision))
        self._outputs = self._names(request["outputs"], self._session.get_outputs(), "output")
        self._names(request["inputs"], self._session.get_inputs(), "input")
        # Found once: a small model takes 40 us, of which a microsecond more is two per cent.
        self._run = self._session.run
        self._takes_text = any("string" in node.type for node in self._session.get_inputs())

    def _open(self, provider: str, options: "dict[str, str]") -> "Any":
        if self._request["device"] == "gpu" and hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls()  # CUDA and cuDNN of this environment, not of the system
        session = onnxruntime.InferenceSession(
            self._request["files"]["model"], self._session_options(), providers=[(provider, options)]
        )
        # ONNX Runtime takes the CPU without a word when a device cannot be had.
        if session.get_providers()[0] != provider:
            raise ValueError("%s cannot be had here; ONNX Runtime took %s" % (provider, session.get_providers()[0]))
        taken = session.get_provider_options()[provider]
        for name, value in options.items():
            if taken.get(name) != value:
                raise ValueError("%s took %s for %s, not %s" % (provider, taken.get(name), name, value))
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
            "provider_options": _options(_provider(self._request), self._precision),
            "libraries": {"numpy": numpy.__version__},
            "parameters": self._parameters,
        }


def _provider(request: "dict[str, Any]") -> str:
    """What the manifest names, where this device has it; on a processor it is always the processor."""
    known = _PROVIDERS[request["device"]]
    wanted = request["options"].get("provider") if request["device"] == "gpu" else None
    return known[wanted or next(iter(known))]


def _arithmetic(request: "dict[str, Any]", stored: str, provider: str) -> str:
    """The precision that is asked for, where the model and the device can give it."""
    if stored == "int8" and provider == _PROVIDERS["gpu"]["cuda"]:
        raise ValueError("CUDA's provider computes quantised operators in fp32; `provider: tensorrt` has int8")
    possible = [stored]
    if stored == "fp32" and request["device"] == "gpu":
        possible += ["tf32"] + (list(_ROUNDED) if provider == _PROVIDERS["gpu"]["tensorrt"] else [])
    only("the precision", request["precision"], possible)
    allow_tf32(request["precision"] == "tf32")
    return str(request["precision"])


def _options(provider: str, precision: str) -> "dict[str, str]":
    """What a provider is told of the precision; read back afterwards."""
    if provider == _PROVIDERS["gpu"]["cuda"] and _version() >= _TELLS_TF32:
        return {"use_tf32": "1" if precision == "tf32" else "0"}
    return {_ROUNDED[precision]: "1"} if provider == _PROVIDERS["gpu"]["tensorrt"] and precision in _ROUNDED else {}


def _version() -> "tuple[int, int]":
    major, minor = onnxruntime.__version__.split(".")[:2]
    return int(major), int(minor)


def _array(value: "Any") -> "Any":
    return value if hasattr(value, "dtype") else numpy.array(value, dtype=object)


def load(request: "dict[str, Any]") -> OnnxPredictor:
    """Open the model."""
    return OnnxPredictor(request)

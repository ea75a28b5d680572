"""SavedModel folders, on TensorFlow."""

from typing import Any

import numpy
import tensorflow

from pytest_mlmodelscope.frameworks._declared import check, only, threads

_PRECISIONS = {"float32": "fp32", "float64": "fp64", "float16": "fp16", "bfloat16": "bf16"}


class SavedModelPredictor:
    """One signature of a SavedModel."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], ["cpu"])
        tensorflow.config.threading.set_intra_op_parallelism_threads(threads(request["threads"]))
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        self._request = request
        # The functions of a loaded model live as long as the model does.
        self._model = tensorflow.saved_model.load(request["files"]["model"])
        self._run = _signature(self._model, request["options"].get("signature", "serving_default"))
        self._inputs = self._run.structured_input_signature[1]
        _known(request["inputs"], self._inputs, "input")
        _known(request["outputs"], self._run.structured_outputs, "output")
        self._precision = _precision(self._run)
        only("the precision", request["precision"], [self._precision])

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """All declared outputs by name; texts as lists."""
        check(self._request["inputs"], inputs)
        tensors = {name: tensorflow.constant(value, self._inputs[name].dtype) for name, value in inputs.items()}
        returned = self._run(**tensors)
        names = [entry["name"] for entry in self._request["outputs"]]
        return {name: _value(returned[name]) for name in names or returned}

    def describe(self) -> "dict[str, Any]":
        """Versions, threads and precision as they really are."""
        return {
            "framework": "tensorflow",
            "version": tensorflow.__version__,
            "device": "cpu",
            "threads": tensorflow.config.threading.get_intra_op_parallelism_threads(),
            "precision": self._precision,
            "build": dict(tensorflow.sysconfig.get_build_info()),
            "libraries": {"numpy": numpy.__version__},
            "parameters": sum(int(numpy.prod(variable.shape)) for variable in self._run.variables) or None,
        }


def _signature(model: "Any", name: str) -> "Any":
    signatures = model.signatures
    if name not in signatures:
        raise ValueError('the model has no signature "%s"; it has %s' % (name, ", ".join(signatures) or "none"))
    return signatures[name]


def _known(declared: "list[dict[str, Any]]", real: "Any", what: str) -> None:
    for entry in declared:
        if entry["name"] not in real:
            raise ValueError('the model has no %s "%s"; it has %s' % (what, entry["name"], ", ".join(real)))


def _precision(function: "Any") -> str:
    """The type of most of the floating-point variables; fp32 where there are none."""
    counts = {}  # type: dict[str, int]
    for variable in function.variables:
        name = _PRECISIONS.get(variable.dtype.name)
        if name:
            counts[name] = counts.get(name, 0) + int(numpy.prod(variable.shape))
    return max(counts, key=lambda name: counts[name]) if counts else "fp32"


def _value(tensor: "Any") -> "Any":
    # A copy: the array may share its memory with the tensor.
    values = tensor.numpy()
    if values.dtype == object:
        return numpy.char.decode(values.astype(bytes), "utf-8", "replace")
    return numpy.array(values)


def load(request: "dict[str, Any]") -> SavedModelPredictor:
    """Load the model."""
    return SavedModelPredictor(request)

"""Models of CNTK 2, in its own format or in ONNX."""

from typing import Any

import numpy

from pytest_mlmodelscope.frameworks._declared import only, threads
from pytest_mlmodelscope.frameworks.cntk.library import CODE_REFUSED, cntk

_native = cntk.cntk_py
_FORMATS = {"cntk": cntk.ModelFormat.CNTKv2, "onnx": cntk.ModelFormat.ONNX}
_PRECISIONS = {"float32": "fp32", "float64": "fp64", "float16": "fp16"}
_NOTHING = set()  # type: set[Any]


class CntkPredictor:
    """One function, cut down to the outputs that the manifest names."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], ["cpu"])
        self._device = cntk.device.cpu()
        cntk.device.try_set_default_device(self._device)
        _native.set_max_num_cputhreads(threads(request["threads"]))
        form = request["options"].get("format", "cntk")
        self._outputs = _chosen(_loaded(request["files"]["model"], form), request["outputs"], form)
        self._function = cntk.combine([variable for _, variable in self._outputs])
        self._inputs = _taken(self._function, request["inputs"])
        self._weights = self._function.parameters or [c for c in self._function.constants if _size(c) > 1]
        self._precision = _precision(self._weights)
        only("the precision", request["precision"], [self._precision])

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """All declared outputs by name."""
        # The views borrow the memory of these arrays: they live until the answer is there.
        arrays = [numpy.ascontiguousarray(inputs[name]) for name, _ in self._inputs]
        given = {
            variable: _native.Value(_native.NDArrayView(array, self._device, True, True))
            for (_, variable), array in zip(self._inputs, arrays)
        }
        found = dict.fromkeys(variable for _, variable in self._outputs)  # type: dict[Any, Any]
        try:
            # What ``Function.forward`` calls, after checks that take as long as a small model.
            _native.Function._forward(self._function, given, found, self._device, _NOTHING)
        except RuntimeError as error:
            raise RuntimeError(_plain(error)) from None
        return {name: found[variable].asarray() for name, variable in self._outputs}

    def describe(self) -> "dict[str, Any]":
        """Versions, threads and precision as they really are."""
        return {
            "framework": "cntk",
            "version": cntk.__version__,
            "device": "cpu",
            "threads": _native.get_max_num_cputhreads(),
            "precision": self._precision,
            "build": {"devices": [str(device) for device in cntk.device.all_devices()], "mpi": "none"},
            "libraries": {"numpy": numpy.__version__},
            "parameters": sum(map(_size, self._weights)) or None,
        }


def _loaded(path: str, form: str) -> "Any":
    try:
        return cntk.Function.load(path, device=cntk.device.cpu(), format=_FORMATS[form])
    except (RuntimeError, ValueError) as error:
        # What Python raises while CNTK loads does not come through; there is one such reason.
        said = CODE_REFUSED if "SWIG director" in str(error) else _plain(error)
        raise ValueError("CNTK cannot load it: %s" % said) from None


def _plain(error: Exception) -> str:
    """What CNTK says, without the call stack that it puts into each of its messages."""
    return str(error).split("[CALL STACK]")[0].strip()


def _chosen(function: "Any", declared: "list[dict[str, Any]]", form: str) -> "list[tuple[str, Any]]":
    """The outputs that the manifest names, in its order, else all."""
    has = {variable.name or variable.uid: variable for variable in function.outputs}
    names = [entry["name"] for entry in declared] or list(has)
    # A name that a file did not give, or that CNTK dropped on reading ONNX, matters only among several.
    if len(has) == len(names) == 1 and (form == "onnx" or not function.outputs[0].name):
        has = {names[0]: function.outputs[0]}
    chosen = [(name, has[name] if name in has else _inner(function, name, has)) for name in names]
    for name, variable in chosen:
        _check_batch("output", name, variable)
    return chosen


def _inner(function: "Any", name: str, outputs: "Any") -> "Any":
    """An output of the only node of this name inside the function."""
    found = [node for node in function.find_all_with_name(name) if isinstance(node, _native.Function)]
    if len(found) != 1 or len(found[0].outputs) != 1:
        raise ValueError('the model has no output "%s"; it has %s' % (name, ", ".join(outputs)))
    return found[0].outputs[0]


def _taken(function: "Any", declared: "list[dict[str, Any]]") -> "list[tuple[str, Any]]":
    """The inputs that the manifest names; the function may want no others."""
    wants = {variable.name or variable.uid: variable for variable in function.arguments}
    for entry in declared:
        if entry["name"] not in wants:
            raise ValueError('the model has no input "%s"; it has %s' % (entry["name"], ", ".join(wants)))
        _check_batch("input", entry["name"], wants[entry["name"]])
        _check_dtype(entry, wants[entry["name"]])
    names = [entry["name"] for entry in declared]
    for name in wants:
        if name not in names:
            raise ValueError('the model wants an input "%s" that the manifest does not name' % name)
    return [(name, wants[name]) for name in names]


def _check_batch(what: str, name: str, variable: "Any") -> None:
    """Refuse what has no axis for the items of a batch, or one for the steps of a sequence as well."""
    dynamic = len(variable.dynamic_axes)
    free_first = not dynamic and variable.shape[:1] == (cntk.FreeDimension,)
    if dynamic != 1 and not free_first:
        axes = "is a sequence" if dynamic > 1 else "has no free first axis"
        raise ValueError('the %s "%s" of the model %s: its items cannot be a batch' % (what, name, axes))


def _check_dtype(entry: "dict[str, Any]", variable: "Any") -> None:
    real = numpy.dtype(variable.dtype).name
    if entry["dtype"] != real:
        raise ValueError('the input "%s" of the model is of type %s, not %s' % (entry["name"], real, entry["dtype"]))


def _size(weight: "Any") -> int:
    return int(numpy.prod(weight.shape, dtype=int))


def _precision(weights: "Any") -> str:
    """The type of most of the weights; fp32 where there are none."""
    counts = {}  # type: dict[str, int]
    for weight in weights:
        name = _PRECISIONS[numpy.dtype(weight.dtype).name]
        counts[name] = counts.get(name, 0) + _size(weight)
    return max(counts, key=lambda name: counts[name]) if counts else "fp32"


def load(request: "dict[str, Any]") -> CntkPredictor:
    """Load the model."""
    return CntkPredictor(request)

"""Models in the TFLite format, on LiteRT or on TensorFlow Lite, which it was before."""

from typing import Any

import numpy

from pytest_mlmodelscope.frameworks._declared import only, threads
from pytest_mlmodelscope.frameworks.litert.survey import survey

try:
    from ai_edge_litert import __version__, interpreter
except ImportError:
    from tflite_runtime import __version__, interpreter

_SIGNATURE = "serving_default"


class LitePredictor:
    """One interpreter, whose inputs have the shapes of the last query."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], ["cpu"])
        self._threads = threads(request["threads"])
        self._interpreter = _opened(request["files"]["model"], self._threads, request["options"].get("xnnpack", True))
        self._parameters, self._precision = survey(self._interpreter)
        only("the precision", request["precision"], [self._precision])
        inputs, outputs = _named(self._interpreter, request["options"].get("signature"))
        _known(request["inputs"], inputs, "input")
        _known(request["outputs"], outputs, "output")
        self._inputs = [(entry["name"], inputs[entry["name"]]["index"]) for entry in request["inputs"]]
        names = [entry["name"] for entry in request["outputs"]] or list(outputs)
        self._outputs = [(name, outputs[name]["index"]) for name in names]
        self._shapes = None  # type: Any
        _allocate(self._interpreter)
        self._delegated = any(_is_delegate(node) for node in self._interpreter._get_ops_details())

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """All declared outputs by name."""
        shapes = [value.shape for value in inputs.values()]
        if shapes != self._shapes:
            self._resize(inputs)
            self._shapes = shapes
        runner = self._interpreter
        for name, index in self._inputs:
            runner.set_tensor(index, inputs[name])
        runner.invoke()
        # These are copies already.
        return {name: runner.get_tensor(index) for name, index in self._outputs}

    def _resize(self, inputs: "dict[str, Any]") -> None:
        self._shapes = None
        for name, index in self._inputs:
            self._interpreter.resize_tensor_input(index, inputs[name].shape)
        try:
            self._interpreter.allocate_tensors()
        except RuntimeError as error:
            given = ", ".join("%s %s" % (name, list(value.shape)) for name, value in inputs.items())
            raise ValueError("the model cannot take %s: %s" % (given, error)) from None

    def describe(self) -> "dict[str, Any]":
        """Versions, threads and precision as they really are."""
        return {
            "framework": "litert",
            "version": __version__,
            "device": "cpu",
            "threads": self._threads,
            "precision": self._precision,
            "build": {"package": interpreter.__name__.partition(".")[0], "xnnpack": self._delegated},
            "libraries": {"numpy": numpy.__version__},
            "parameters": self._parameters,
        }


def _opened(path: str, count: int, xnnpack: bool) -> "Any":
    kinds = interpreter.OpResolverType
    resolver = kinds.AUTO if xnnpack else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        return interpreter.Interpreter(path, num_threads=count, experimental_op_resolver_type=resolver)
    except RuntimeError as error:
        raise ValueError(_why(error)) from None


def _allocate(runner: "Any") -> None:
    try:
        runner.allocate_tensors()
    except RuntimeError as error:
        raise ValueError(_why(error)) from None


def _why(error: RuntimeError) -> str:
    text = str(error)
    if "Select TensorFlow op" in text or "Flex" in text:
        return "the model needs operators of TensorFlow (Flex), which LiteRT does not have: %s" % text
    if "custom op" in text:
        return "the model needs an operator that is not part of LiteRT: %s" % text
    return text


def _is_delegate(node: "dict[str, Any]") -> bool:
    return bool(node["op_name"].upper() == "DELEGATE")


def _named(runner: "Any", signature: "str | None") -> "tuple[dict[str, Any], dict[str, Any]]":
    """Inputs and outputs by their names in a signature; without one, by those of the tensors."""
    inputs, outputs = runner.get_input_details(), runner.get_output_details()
    signatures = runner.get_signature_list()
    if not signatures and signature is None:
        return {entry["name"]: entry for entry in inputs}, {entry["name"]: entry for entry in outputs}
    name = signature or (_SIGNATURE if _SIGNATURE in signatures or len(signatures) > 1 else next(iter(signatures)))
    if name not in signatures:
        raise ValueError('the model has no signature "%s"; it has %s' % (name, ", ".join(signatures) or "none"))
    if len(signatures) > 1:
        raise ValueError("the model has %d signatures, and only models with one can be run" % len(signatures))
    runner = runner.get_signature_runner(name)
    return runner.get_input_details(), runner.get_output_details()


def _known(declared: "list[dict[str, Any]]", real: "dict[str, Any]", what: str) -> None:
    for entry in declared:
        found = real.get(entry["name"])
        if found is None:
            raise ValueError('the model has no %s "%s"; it has %s' % (what, entry["name"], ", ".join(real)))
        dtype = numpy.dtype(found["dtype"]).name
        if entry.get("dtype", dtype) != dtype:
            scale, zero = found["quantization"]
            how = " (scale %.9g, zero point %d)" % (scale, zero) if scale else ""
            raise ValueError(
                'the model has the %s "%s" as %s%s; the manifest declares %s, and nothing is converted silently'
                % (what, entry["name"], dtype, how, entry["dtype"])
            )
    missing = [name for name in real if name not in [entry["name"] for entry in declared]]
    if what == "input" and missing:
        raise ValueError("the model also takes %s, which the manifest does not declare" % ", ".join(missing))


def load(request: "dict[str, Any]") -> LitePredictor:
    """Open the model."""
    return LitePredictor(request)

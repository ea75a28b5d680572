"""Models in OpenVINO's own format or in ONNX, on the processor."""

import os
import re
from collections import Counter, OrderedDict
from typing import Any

import numpy
import openvino

from pytest_mlmodelscope.frameworks._declared import only, threads
from pytest_mlmodelscope.frameworks._onnx import survey

_HINTS = {"fp32": openvino.Type.f32, "bf16": openvino.Type.bf16, "fp16": openvino.Type.f16}
_STORED = {"f32": "fp32", "f16": "fp16", "bf16": "bf16", "f64": "fp64"}
#: What each precision of the weights can be computed in. Half-precision weights may be held in
#: fp32 on a processor that has no arithmetic for them: the values are the same.
_POSSIBLE = {"fp32": ("fp32", "bf16"), "fp16": ("fp16",), "bf16": ("bf16",), "int8": ("int8",)}
#: Where a constant lies among the weights, and what may follow the last one.
_PLACE, _SIZE = re.compile(rb' offset="(\d+)"'), re.compile(rb' size="(\d+)"')
_PADDING = 64
#: Compiled models that are kept, one for each number of items.
_KEPT = 8


class OpenVinoPredictor:
    """One model, compiled for each number of items that it is asked about."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], ["cpu"])
        self._request = request
        self._core = openvino.Core()
        self._model = _read(self._core, request["files"])
        self._inputs = _places(request["inputs"], self._model.inputs, "input")
        self._outputs = _places(request["outputs"], self._model.outputs, "output")
        self._parameters, stored = _weights(self._model)
        only("the precision", request["precision"], _POSSIBLE.get(stored, ()))
        self._batched = [(place, name) for name, place in self._inputs.items() if _axes(request, name)[:1] == ["batch"]]
        self._kept = OrderedDict()  # type: OrderedDict[Any, Any]
        self._compiled = self._compile(self._model)
        self._arithmetic = _arithmetic(self._compiled, request["precision"])

    def _compile(self, model: "Any") -> "Any":
        settings = {
            "INFERENCE_PRECISION_HINT": _HINTS.get(self._request["precision"], openvino.Type.f32),
            "EXECUTION_MODE_HINT": "ACCURACY",  # nothing is quantised on the way either
            "INFERENCE_NUM_THREADS": threads(self._request["threads"]),
            "NUM_STREAMS": 1,
        }
        return self._core.compile_model(model, "CPU", settings)

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """All declared outputs by name; the first query of another number of items compiles."""
        infer = self._for(len(inputs[self._batched[0][1]]) if self._batched else None)
        for name, place in self._inputs.items():
            infer.set_input_tensor(place, _tensor(inputs[name]))
        infer.infer()
        # Copies: the next call writes into the same memory.
        return {name: infer.get_output_tensor(place).data.copy() for name, place in self._outputs.items()}

    def _for(self, items: "int | None") -> "Any":
        """A request of the model for so many items; the least recently used one makes place."""
        if items in self._kept:
            self._kept.move_to_end(items)
            return self._kept[items]
        if len(self._kept) >= _KEPT:
            self._kept.popitem(last=False)
        self._kept[items] = self._resized(items).create_infer_request()
        return self._kept[items]

    def _resized(self, items: "int | None") -> "Any":
        if items is None:
            return self._compiled
        shapes = {}
        for place, _ in self._batched:
            shapes[place] = self._model.inputs[place].partial_shape
            shapes[place][0] = items
        self._model.reshape(shapes)
        return self._compile(self._model)

    def describe(self) -> "dict[str, Any]":
        """Versions, threads and precision as they really are; ``arithmetic`` is OpenVINO's own word."""
        return {
            "framework": "openvino",
            "version": openvino.__version__,
            "device": "cpu",
            "threads": self._compiled.get_property("INFERENCE_NUM_THREADS"),
            "precision": self._request["precision"],
            "arithmetic": self._arithmetic,
            "build": self._core.get_versions("CPU")["CPU"].build_number,
            "libraries": {"numpy": numpy.__version__},
            "parameters": self._parameters,
        }


def _read(core: "Any", files: "dict[str, str]") -> "Any":
    with open(files["model"], "rb") as file:
        start = file.read(512).lstrip()
    if start[:1] == b"<":
        _whole(files)
        return core.read_model(files["model"], files.get("weights", ""))
    if "weights" in files:
        raise ValueError("weights of their own belong to a model in OpenVINO's format, and this is none")
    survey(files["model"])  # OpenVINO reads half a model as a whole one, and follows any path in it
    return core.read_model(files["model"])


def _whole(files: "dict[str, str]") -> None:
    """Refuse weights of another size than the model describes; OpenVINO takes any that are large enough."""
    with open(files["model"], "rb") as file:
        parts = [(_PLACE.search(tag), _SIZE.search(tag)) for tag in re.findall(rb"<data [^>]*>", file.read())]
    wanted = max((int(place.group(1)) + int(size.group(1)) for place, size in parts if place and size), default=0)
    given = os.path.getsize(files["weights"]) if "weights" in files else 0
    if not wanted <= given < wanted + _PADDING:
        raise ValueError("the model describes %d bytes of weights, and there are %d" % (wanted, given))


def _places(declared: "list[dict[str, Any]]", ports: "Any", what: str) -> "dict[str, int]":
    """Name -> place among the model's inputs or outputs, in the manifest's order."""
    has = {name: place for place, port in enumerate(ports) for name in sorted(port.get_names(), reverse=True)}
    for entry in declared:
        if entry["name"] not in has:
            raise ValueError('the model has no %s "%s"; it has %s' % (what, entry["name"], ", ".join(has) or "none"))
    return {entry["name"]: has[entry["name"]] for entry in declared} or has


def _axes(request: "dict[str, Any]", name: str) -> "list[Any]":
    return next((list(entry.get("shape") or []) for entry in request["inputs"] if entry["name"] == name), [])


def _weights(model: "Any") -> "tuple[int, str]":
    """How many values there are in constants of more than one, and the type that most of them have."""
    counts = Counter()  # type: Counter[str]
    for operation in model.get_ops():
        if operation.get_type_name() == "FakeQuantize":
            counts["int8"] = -1
        if operation.get_type_name() == "Constant" and operation.get_output_size() == 1:
            size = int(numpy.prod(list(operation.get_output_shape(0)), dtype="int64"))
            counts[operation.get_element_type().get_type_name()] += size if size > 1 else 0
    quantised = "int8" in counts or counts["i8"] + counts["u8"] > counts["f32"] + counts["f16"]
    floats = {kind: count for kind, count in counts.items() if kind in _STORED and count}
    most = _STORED[max(floats, key=lambda kind: floats[kind])] if floats else "fp32"
    trained = sum(floats.values()) + max(counts["i8"], 0) + max(counts["u8"], 0)
    return trained, "int8" if quantised else most


def _arithmetic(compiled: "Any", asked: str) -> str:
    """What OpenVINO computes in; another precision than the one asked for is refused."""
    given = str(compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name())
    if asked in ("fp32", "bf16") and _STORED.get(given) != asked:
        raise ValueError("%s cannot be given on this processor; OpenVINO took %s" % (asked, given))
    return given


def _tensor(values: "Any") -> "Any":
    return openvino.Tensor(numpy.ascontiguousarray(values), shared_memory=True)


def load(request: "dict[str, Any]") -> OpenVinoPredictor:
    """Read the model and compile it."""
    return OpenVinoPredictor(request)

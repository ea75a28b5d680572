"""ONNX models, built by TensorRT into an engine for the GPU at hand."""

import hashlib
import json
from collections import OrderedDict
from typing import Any

import numpy

from pytest_mlmodelscope.frameworks._declared import only, threads
from pytest_mlmodelscope.frameworks._onnx import survey
from pytest_mlmodelscope.frameworks.tensorrt import plan
from pytest_mlmodelscope.frameworks.tensorrt.device import Device

#: Engines that are kept, one for each set of input shapes.
_KEPT = 4


class TensorRtPredictor:
    """One model, with an engine for each shape of its inputs."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], ["gpu"])
        self._request = request
        self._parameters, stored = survey(request["files"]["model"])
        only("the precision", request["precision"], plan.possible(stored))
        self._device = Device()
        self._plans = plan.Plans(request["files"]["model"], stored, request["precision"], threads(request["threads"]))
        only("the precision", request["precision"], [self._plans.precision])
        _names(request["inputs"], self._plans.inputs, "input")
        self._outputs = _names(request["outputs"], self._plans.outputs, "output")
        self._kept = OrderedDict()  # type: OrderedDict[Any, _Engine]
        self._built = {}  # type: dict[str, Any]

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """All declared outputs by name, when the GPU is done; inputs of another shape build an engine first."""
        return self._for({name: values.shape for name, values in inputs.items()}).run(inputs, self._outputs)

    def _for(self, shapes: "dict[str, tuple[int, ...]]") -> "_Engine":
        key = tuple(shapes.items())
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if len(self._kept) >= _KEPT:
            self._kept.popitem(last=False)[1].close()
        self._kept[key] = _Engine(self._device, *self._engine(shapes))
        return self._kept[key]

    def _engine(self, shapes: "dict[str, tuple[int, ...]]") -> "tuple[Any, Any]":
        """From the plan that an earlier worker built of this model on such a GPU, else from a new one."""
        name = self._name(shapes)
        path = self._request.get("kept", {}).get(name)
        if path is not None:
            with open(path, "rb") as file:
                return self._plans.engine(file.read())
        built = self._plans.build(shapes)
        self._built[name] = numpy.frombuffer(built, "uint8")
        return self._plans.engine(built)

    def _name(self, shapes: "dict[str, tuple[int, ...]]") -> str:
        """The same where a plan can be taken again: for these shapes, on this GPU, with these libraries."""
        device = self._device
        where = [plan.about(), device.name, device.capability, device.driver, device.runtime]
        what = [self._plans.precision, sorted((name, list(shape)) for name, shape in shapes.items())]
        return hashlib.sha256(json.dumps([where, what]).encode()).hexdigest()[:32]

    def built(self) -> "dict[str, Any]":
        """The plans that were built since this was asked last, by their names."""
        found, self._built = self._built, {}
        return found

    def describe(self) -> "dict[str, Any]":
        """Versions, threads (of the builder) and precision as they really are."""
        name, version = plan.about()
        return {
            "framework": "tensorrt",
            "version": version,
            "device": "gpu",
            "threads": self._plans.threads,
            "precision": self._plans.precision,
            "build": {"package": name, "cuda_driver": self._device.driver, "cuda_runtime": self._device.runtime},
            "gpu": {"name": self._device.name, "compute_capability": self._device.capability},
            "libraries": {"numpy": numpy.__version__},
            "parameters": self._parameters,
        }


class _Engine:
    """An engine, with memory on the GPU for its inputs and outputs."""

    def __init__(self, device: Device, runtime: "Any", engine: "Any") -> None:
        self._device = device
        # The engine needs the runtime, and the context the engine, for as long as they live.
        self._runtime, self._engine = runtime, engine
        self._context = engine.create_execution_context()
        self._shapes = {name: (shape, dtype) for name, shape, dtype in plan.tensors(engine)}
        self._addresses = {}  # type: dict[str, int]
        for name, (shape, dtype) in self._shapes.items():
            if min(shape, default=1) < 0:
                raise ValueError('the size of "%s" depends on the values, which is not driven here' % name)
            size = int(numpy.prod(shape, dtype="int64")) * numpy.dtype(dtype).itemsize
            self._addresses[name] = device.take(size)
            self._context.set_tensor_address(name, self._addresses[name])

    def run(self, inputs: "dict[str, Any]", names: "list[str]") -> "dict[str, Any]":
        """These outputs, in arrays of their own."""
        # Contiguous ones are copied from where they are; the others have to live until they are copied.
        arrays = [(self._addresses[name], numpy.ascontiguousarray(values)) for name, values in inputs.items()]
        for address, values in arrays:
            self._device.put(address, values)
        if not self._context.execute_async_v3(int(self._device.stream)):
            raise RuntimeError("TensorRT could not run the model")
        outputs = {name: numpy.empty(*self._shapes[name]) for name in names}
        for name, values in outputs.items():
            self._device.get(values, self._addresses[name])
        self._device.wait()
        return outputs

    def close(self) -> None:
        """Give the memory back."""
        for address in self._addresses.values():
            self._device.free(address)


def _names(declared: "list[dict[str, Any]]", has: "list[str]", what: str) -> "list[str]":
    for entry in declared:
        if entry["name"] not in has:
            raise ValueError('the model has no %s "%s"; it has %s' % (what, entry["name"], ", ".join(has)))
    return [entry["name"] for entry in declared] or has


def load(request: "dict[str, Any]") -> TensorRtPredictor:
    """Read the model; engines are built when the shape of its inputs is known."""
    return TensorRtPredictor(request)

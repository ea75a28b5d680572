"""Symbols of MXNet with their weights, each bound once for every size of a batch."""

import contextlib
import ctypes
import os
from collections import OrderedDict
from typing import Any

import numpy

from pytest_mlmodelscope.frameworks._declared import only, threads

# Read by the library when it is loaded; an agent that was asked for a number has set it.
os.environ.setdefault("OMP_NUM_THREADS", str(threads(None)))

import mxnet

from pytest_mlmodelscope.frameworks.mxnet.graph import labels, parsed
from pytest_mlmodelscope.frameworks.mxnet.params import check_whole

_PRECISIONS = {"float32": "fp32", "float64": "fp64", "float16": "fp16"}
#: How many sizes of a batch stay bound: the usual one, what is left at the end of the data, and two more.
_KEPT = 4
_openmp = ctypes.CDLL("libgomp.so.1")


class MxnetPredictor:
    """One symbol, cut down to the outputs that the manifest names."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], ["cpu"])
        _openmp.omp_set_num_threads(threads(request["threads"]))
        self._request = request
        self._names = [entry["name"] for entry in request["inputs"]]
        self._dtypes = {entry["name"]: entry["dtype"] for entry in request["inputs"]}
        self._symbol, self._outputs, spare = _symbol(request["files"]["symbol"], request["outputs"])
        self._weights = _needed(self._symbol, _weights(request["files"]["params"]), self._names, spare)
        self._precision = _precision(self._weights.values())
        only("the precision", request["precision"], [self._precision])
        self._bound = OrderedDict()  # type: OrderedDict[Any, Any]
        self._check_shapes()

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """All declared outputs by name."""
        arrays, executor = self._fitting(tuple([inputs[name].shape for name in self._names]))
        for name, array in arrays:
            array._sync_copyfrom(inputs[name])
        returned = executor.forward(is_train=False)
        return {name: value.asnumpy() for name, value in zip(self._outputs, returned)}

    def _fitting(self, shapes: "tuple[Any, ...]") -> "Any":
        """The arrays of the inputs, and the executor that reads them."""
        if shapes not in self._bound:
            if len(self._bound) >= _KEPT:
                self._bound.popitem(last=False)
            self._bound[shapes] = self._bind(dict(zip(self._names, shapes)))
        else:
            self._bound.move_to_end(shapes)
        return self._bound[shapes]

    def _bind(self, shapes: "dict[str, Any]") -> "Any":
        wanted = self._inferred(shapes)
        arrays = [(name, mxnet.nd.empty(shapes[name], dtype=self._dtypes[name])) for name in self._names]
        given = dict(self._weights)
        given.update(arrays)
        # What is left is a label: nothing that is asked for depends on it.
        missing = {name: mxnet.nd.zeros(shape) for name, shape in wanted.items() if name not in given}
        auxiliary = {name: given.pop(name) for name in self._symbol.list_auxiliary_states()}
        given.update(missing)
        with _plainly():
            executor = self._symbol.bind(mxnet.cpu(), given, grad_req="null", aux_states=auxiliary)
        return arrays, executor

    def _inferred(self, shapes: "dict[str, Any]") -> "dict[str, Any]":
        """The shape of everything that the symbol takes; weights of another shape are refused."""
        arguments = self._symbol.list_arguments()
        with _plainly():
            told = self._symbol.infer_shape_partial(**shapes)
            self._compare(dict(zip(arguments + self._symbol.list_auxiliary_states(), told[0] + told[2])))
            own = {name: weight.shape for name, weight in self._weights.items() if name in arguments}
            return dict(zip(arguments, self._symbol.infer_shape(**own, **shapes)[0] or ()))

    def _compare(self, wanted: "dict[str, Any]") -> None:
        """Hold the weights against the shapes that follow from the inputs alone; 0 is an unknown length."""
        for name, weight in self._weights.items():
            if wanted[name] and 0 not in wanted[name] and wanted[name] != weight.shape:
                raise ValueError('"%s" has the shape %s; the graph wants %s' % (name, weight.shape, wanted[name]))

    def _check_shapes(self) -> None:
        """Hold the weights against the graph now, where the manifest says enough of the inputs."""
        shapes = {entry["name"]: entry.get("shape") or ["?", "?"] for entry in self._request["inputs"]}
        if not any(isinstance(length, str) for shape in shapes.values() for length in shape[1:]):
            self._inferred({name: (1, *shape[1:]) for name, shape in shapes.items()})

    def describe(self) -> "dict[str, Any]":
        """Versions, threads and precision as they really are."""
        arguments = self._symbol.list_arguments()
        trained = [weight for name, weight in self._weights.items() if name in arguments]
        return {
            "framework": "mxnet",
            "version": mxnet.__version__,
            "device": "cpu",
            "threads": _openmp.omp_get_max_threads(),
            "precision": self._precision,
            "build": sorted(name for name, feature in mxnet.runtime.Features().items() if feature.enabled),
            "libraries": {"numpy": numpy.__version__},
            "engine": os.environ.get("MXNET_ENGINE_TYPE", "ThreadedEnginePerDevice"),
            "parameters": sum(weight.size for weight in trained) or None,
        }


@contextlib.contextmanager
def _plainly() -> "Any":
    """Leave the call stack out that MXNet puts into each of its messages."""
    try:
        yield
    except mxnet.MXNetError as error:
        said = str(error).split("Stack trace:")[0].strip()
        raise ValueError("MXNet says: %s" % said.rpartition("MXNetError: ")[2]) from None


def _symbol(path: str, declared: "list[dict[str, Any]]") -> "tuple[Any, list[str], set[str]]":
    """The symbol for the declared outputs, their names, and the arguments that it can do without."""
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    graph = parsed(text)
    with _plainly():
        whole = mxnet.sym.load_json(text)
    has = whole.list_outputs()
    inner = whole.get_internals()
    names = [entry["name"] for entry in declared] or has
    chosen = [inner[_place(name, inner.list_outputs(), has)] for name in names]
    return mxnet.sym.Group(chosen), names, labels(graph)


def _place(name: str, inner: "list[str]", outputs: "list[str]") -> str:
    """MXNet calls an output by the name of its operator and ``_output``; a manifest may leave that out."""
    for candidate in (name + "_output", name):
        if candidate in inner:
            return candidate
    raise ValueError('the model has no output "%s"; it has %s' % (name, ", ".join(outputs)))


def _weights(path: str) -> "dict[str, Any]":
    """The weights by the names that the symbol has for them."""
    check_whole(path)
    with _plainly():
        loaded = mxnet.nd.load(path)
    return {name.partition(":")[2] if name[:4] in ("arg:", "aux:") else name: value for name, value in loaded.items()}


def _needed(symbol: "Any", weights: "dict[str, Any]", inputs: "list[str]", spare: "set[str]") -> "dict[str, Any]":
    """The weights that the symbol takes. None may be missing: MXNet would leave it as the memory was."""
    wanted = symbol.list_arguments() + symbol.list_auxiliary_states()
    for name in inputs:
        if name not in symbol.list_arguments():
            others = [other for other in wanted if other not in weights]
            raise ValueError('the model has no input "%s"; it has %s' % (name, ", ".join(others)))
    missing = [name for name in wanted if name not in weights and name not in inputs and name not in spare]
    if missing:
        raise ValueError('"%s" is neither among the weights nor among the inputs' % missing[0])
    return {name: weights[name] for name in wanted if name in weights and name not in inputs}


def _precision(weights: "Any") -> str:
    """The type of most of the weights; fp32 where there are none."""
    counts = {}  # type: dict[str, int]
    for weight in weights:
        name = _PRECISIONS.get(numpy.dtype(weight.dtype).name, "other")
        counts[name] = counts.get(name, 0) + weight.size
    return max(counts, key=lambda name: counts[name]) if counts else "fp32"


def load(request: "dict[str, Any]") -> MxnetPredictor:
    """Build the symbol, and hold the weights against it."""
    return MxnetPredictor(request)

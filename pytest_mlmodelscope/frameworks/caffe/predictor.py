"""Networks of Caffe, as a prototxt and a caffemodel."""

import importlib
from typing import Any

import numpy

from pytest_mlmodelscope.frameworks._declared import only
from pytest_mlmodelscope.frameworks.caffe.library import caffe, get_threads, set_threads
from pytest_mlmodelscope.frameworks.caffe.model import check_network, weighted
from pytest_mlmodelscope.frameworks.caffe.trial import attempt

_PRECISIONS = {"float32": "fp32", "float64": "fp64"}
#: Layers whose blobs are statistics: nobody trained those.
_UNTRAINED = ("BatchNorm",)


class CaffePredictor:
    """One network in the phase TEST."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], ["cpu"])
        caffe.set_mode_cpu()
        attempt(lambda: _try(request))
        set_threads(request["threads"])
        self._net = _opened(request["files"])
        self._net.copy_from(request["files"]["weights"])
        self._precision = _precision(self._net)
        only("the precision", request["precision"], [self._precision])
        # The memory of the inputs, which stays where it is as long as none changes its shape.
        self._fed = {name: self._net.blobs[name].data for name in self._net.inputs}
        names = [entry["name"] for entry in request["outputs"]] or self._net.outputs
        self._made = [(name, self._net.blobs[name]) for name in names]

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """All declared outputs by name: any blobs of the network, as they are at its end."""
        for name, value in inputs.items():
            if value.shape != self._fed[name].shape:
                self._reshape(name, value.shape)
            self._fed[name][...] = value
        self._net.forward()
        return {name: blob.data.copy() for name, blob in self._made}

    def _reshape(self, name: str, shape: "tuple[int, ...]") -> None:
        """Give an input another shape; the layers follow by themselves with the next pass."""
        if 0 in shape:
            # Some layers divide by it.
            raise ValueError('input "%s" is empty: %s' % (name, list(shape)))
        blob = self._net.blobs[name]
        blob.reshape(*shape)
        self._fed[name] = blob.data

    def describe(self) -> "dict[str, Any]":
        """Versions, threads and precision as they really are."""
        metadata = importlib.import_module("importlib.metadata")
        return {
            "framework": "caffe",
            "version": caffe.__version__,
            "device": "cpu",
            "threads": get_threads(),
            "precision": self._precision,
            "build": "kendryte-caffe %s, OpenBLAS" % metadata.version("kendryte-caffe"),
            "libraries": {"numpy": numpy.__version__, "protobuf": metadata.version("protobuf")},
            "parameters": _parameters(self._net),
        }


def _opened(files: "dict[str, str]") -> "Any":
    return caffe.Net(files["network"], caffe.TEST)


def _try(request: "dict[str, Any]") -> None:
    """Open the model, hold it against its manifest, and run it once; a child of the worker does that."""
    files = request["files"]
    check_network(files["network"])
    named = weighted(files["weights"])
    net = _opened(files)
    for name in net.params:
        # Caffe would leave them as they were filled at random.
        if name not in named:
            raise ValueError('the file of weights has none for the layer "%s"' % name)
    net.copy_from(files["weights"])
    _fits(request["inputs"], net)
    _known([entry["name"] for entry in request["outputs"]], net.blobs, "blob")
    for entry in request["inputs"]:
        blob = net.blobs[entry["name"]]
        blob.reshape(*_example(entry.get("shape"), list(blob.shape)))
    net.forward()


def _fits(declared: "list[dict[str, Any]]", net: "Any") -> None:
    names = [entry["name"] for entry in declared]
    _known(names, net.inputs, "input")
    for name in net.inputs:
        if name not in names:
            raise ValueError('the model has an input "%s" that the manifest does not declare' % name)
    for entry in declared:
        only('input "%s" of the type' % entry["name"], entry["dtype"], ["float32"])


def _known(names: "list[str]", real: "Any", what: str) -> None:
    for name in names:
        if name not in real:
            raise ValueError('the model has no %s "%s"; it has %s' % (what, name, ", ".join(real)))


def _example(declared: "Any", own: "list[int]") -> "list[int]":
    """A shape as declared, with one item; the network's own length on other free axes."""
    if not declared:
        return [1, *own[1:]]
    lengths = own if len(own) == len(declared) else [1] * len(declared)
    free = [1, *lengths[1:]]
    return [length if isinstance(length, int) else free[axis] for axis, length in enumerate(declared)]


def _precision(net: "Any") -> str:
    """The type in which Caffe holds and computes, whatever was stored; fp32 without any weights."""
    kinds = {blob.data.dtype.name for blobs in net.params.values() for blob in blobs}
    return ", ".join(sorted(_PRECISIONS.get(kind, kind) for kind in kinds)) or "fp32"


def _parameters(net: "Any") -> int:
    """The trained values; weights that several layers share are counted once."""
    counts = {}  # type: dict[int, int]
    for name, blobs in net.params.items():
        if net.layer_dict[name].type not in _UNTRAINED:
            counts.update((blob.data.ctypes.data, blob.count) for blob in blobs)
    return sum(counts.values())


def load(request: "dict[str, Any]") -> CaffePredictor:
    """Open the model."""
    return CaffePredictor(request)

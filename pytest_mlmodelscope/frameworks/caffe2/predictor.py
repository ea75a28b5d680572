"""Models of Caffe2, as an init_net and a predict_net."""

import re
from typing import Any

import google.protobuf
import numpy

from pytest_mlmodelscope.frameworks._declared import only
from pytest_mlmodelscope.frameworks.caffe2.library import get_threads, set_threads, version, workspace
from pytest_mlmodelscope.frameworks.caffe2.model import check_init, made, read_net, statistics, wanted

_PRECISIONS = {"float32": "fp32", "float64": "fp64", "float16": "fp16", "int8": "int8", "uint8": "int8"}


class Caffe2Predictor:
    """One net in a workspace of its own."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], ["cpu"])
        names = [entry["name"] for entry in request["inputs"]]
        set_threads(request["threads"])
        net = read_net(request["files"]["predict_net"], "predict_net")
        space = _filled(request["files"]["init_net"])
        self._sizes, self._precision = _weights(net, space, names)
        only("the precision", request["precision"], [self._precision])
        outputs = _outputs(request["outputs"], net)
        self._inputs = [(name, space.create_blob(name)) for name in names]
        self._net = _created(net, space)
        self._outputs = [(name, space.blobs[name]) for name in outputs]

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """All declared outputs by name: any blobs that the net computes, as they are at its end."""
        try:
            for name, blob in self._inputs:
                blob.feed(inputs[name])
            self._net.run()
            # What is fetched is a copy.
            return {name: blob.fetch() for name, blob in self._outputs}
        except RuntimeError as error:
            raise _sentence(error) from None

    def describe(self) -> "dict[str, Any]":
        """Versions, threads and precision as they really are."""
        return {
            "framework": "caffe2",
            "version": version(),
            "device": "cpu",
            "threads": get_threads(),
            "precision": self._precision,
            "build": dict(workspace.C.get_build_options()),
            "libraries": {"numpy": numpy.__version__, "protobuf": google.protobuf.__version__},
            "parameters": sum(self._sizes.values()),
        }


def _filled(path: str) -> "Any":
    """A fresh workspace with the weights."""
    check_init(read_net(path, "init_net"))
    workspace.ResetWorkspace()
    try:
        with open(path, "rb") as file:
            workspace.C.run_net_once(file.read())
    except RuntimeError as error:
        raise _sentence(error) from None
    return workspace.C.Workspace.current


def _weights(net: "Any", space: "Any", inputs: "list[str]") -> "tuple[dict[str, int], str]":
    """How many trained values each weight has, and the precision of most of them.

    ValueError where what the net reads is neither among the weights nor among the inputs.
    """
    read, given = wanted(net), space.blobs
    _known(inputs, read + list(net.external_input), "input")
    for name in read:
        if name not in given and name not in inputs:
            raise ValueError('the model reads "%s", which neither its init_net nor the manifest gives' % name)
    untrained = statistics(net).union(inputs)
    weights = {name: _values(given[name]) for name in read if name not in untrained}
    kinds = {name: _PRECISIONS.get(values.dtype.name) for name, values in weights.items()}
    sizes = {name: weights[name].size for name, kind in kinds.items() if kind}
    counts = {}  # type: dict[str, int]
    for name, size in sizes.items():
        kind = kinds[name] or ""
        counts[kind] = counts.get(kind, 0) + size
    return sizes, max(counts, key=lambda kind: counts[kind]) if counts else "fp32"


def _values(blob: "Any") -> "Any":
    """What a blob holds, without a copy where it is a plain tensor."""
    try:
        return blob.tensor().data
    except RuntimeError:
        held = blob.fetch()
        # An 8-bit tensor comes with its scale and zero point.
        return numpy.asarray(held[0] if isinstance(held, tuple) else held)


def _known(names: "list[str]", real: "list[str]", what: str) -> None:
    for name in names:
        if name not in real:
            raise ValueError('the model has no %s "%s"; it has %s' % (what, name, ", ".join(real)))


def _outputs(declared: "list[dict[str, Any]]", net: "Any") -> "list[str]":
    names = [entry["name"] for entry in declared]
    _known(names, made(net), "output")
    return names or list(net.external_output)


def _created(net: "Any", space: "Any") -> "Any":
    """The net, one operator after the other: other executors start threads of their own."""
    net.name, net.type, net.num_workers = "model", "simple", 0
    try:
        return space.create_net(net)
    except RuntimeError as error:
        raise _sentence(error) from None


def _sentence(error: RuntimeError) -> Exception:
    """What Caffe2 says, without where in its code and by which way it came there."""
    said = str(error).partition("frame #0")[0].strip()
    kind = MemoryError if "posix_memalign" in said else ValueError
    return kind("Caffe2 refuses: %s" % re.sub(r"^\[enforce fail at [^\]]*\] (\. )?", "", said))


def load(request: "dict[str, Any]") -> Caffe2Predictor:
    """Open the model."""
    return Caffe2Predictor(request)

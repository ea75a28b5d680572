"""Frozen graphs: one file with a GraphDef whose weights are constants, of TensorFlow 1 or later."""

import os
from typing import Any

import numpy
import tensorflow
from google.protobuf.message import DecodeError

from pytest_mlmodelscope.frameworks.tensorflow.graph import in_functions
from pytest_mlmodelscope.frameworks.tensorflow.opened import Opened, array, known, listed

_v1 = tensorflow.compat.v1


def open_frozen_graph(request: "dict[str, Any]", threads: int) -> Opened:
    """A session, which is what such graphs were made for: it runs the loops of TensorFlow 1 too."""
    definition = _parsed(request["files"]["model"])
    by_name = {node.name: node for node in definition.node}
    feeds = _tensors(request["inputs"], by_name, _sources(definition), "input")
    fetches = _tensors(
        request["outputs"] or [{"name": name} for name in _sinks(definition)], by_name, _sinks(definition), "output"
    )
    running = _reached(by_name, fetches.values(), feeds.values())
    _refuse_open(running)
    graph = tensorflow.Graph()
    with graph.as_default():
        tensorflow.import_graph_def(definition, name="")
    known(request["inputs"], {name: _tensor(graph, tensor).dtype for name, tensor in feeds.items()}, "input")
    run = _Session(graph, feeds, fetches, threads)
    return Opened(run, running + in_functions(definition), [])


class _Session:
    def __init__(self, graph: "Any", feeds: "dict[str, str]", fetches: "dict[str, str]", threads: int) -> None:
        config = _v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1)
        self._session = _v1.Session(graph=graph, config=config)
        self._inputs, self._outputs = list(feeds), list(fetches)
        self._call = self._session.make_callable(
            [_tensor(graph, tensor) for tensor in fetches.values()], list(feeds.values())
        )

    def __call__(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        returned = self._call(*[_fed(inputs[name]) for name in self._inputs])
        return {name: array(value) for name, value in zip(self._outputs, returned)}


def _fed(value: "Any") -> "Any":
    return value if hasattr(value, "dtype") else numpy.array(value, dtype=object)


def _parsed(path: str) -> "Any":
    if not os.path.getsize(path):
        raise ValueError("the file is empty: it is no frozen graph")
    with open(path, "rb") as file:
        try:
            definition = _v1.GraphDef.FromString(file.read())
        except DecodeError as error:
            raise ValueError("the file is no whole frozen graph (a GraphDef): %s" % error) from None
    if not definition.node:
        raise ValueError("the file holds no graph; a SavedModel needs format: saved_model")
    return definition


def _sources(definition: "Any") -> "list[str]":
    return [node.name for node in definition.node if node.op.startswith("Placeholder")]


def _sinks(definition: "Any") -> "list[str]":
    used = {_node_of(name) for node in definition.node for name in node.input}
    silent = ("Const", "NoOp", "Placeholder", "Assert")
    return [node.name for node in definition.node if node.name not in used and node.op not in silent]


def _node_of(tensor: str) -> str:
    return tensor.lstrip("^").partition(":")[0]


def _tensors(declared: "Any", by_name: "Any", likely: "list[str]", what: str) -> "dict[str, str]":
    """Declared name -> tensor; ``prob`` stands for ``prob:0``."""
    for entry in declared:
        if _node_of(entry["name"]) not in by_name:
            raise ValueError('the graph has no %s "%s"; it has %s' % (what, entry["name"], listed(likely)))
    return {entry["name"]: entry["name"] if ":" in entry["name"] else entry["name"] + ":0" for entry in declared}


def _tensor(graph: "Any", name: str) -> "Any":
    try:
        return graph.get_tensor_by_name(name)
    except KeyError as error:
        raise ValueError(str(error.args[0])) from None


def _reached(by_name: "dict[str, Any]", fetches: "Any", feeds: "Any") -> "list[Any]":
    """The nodes that run: those that the outputs depend on, up to what is fed."""
    fed = {_node_of(tensor) for tensor in feeds}
    waiting = [_node_of(tensor) for tensor in fetches]
    found = {}  # type: dict[str, Any]
    while waiting:
        name = waiting.pop()
        if name not in found and name not in fed and name in by_name:
            found[name] = by_name[name]
            waiting.extend(_node_of(tensor) for tensor in by_name[name].input)
    return list(found.values())


def _refuse_open(running: "list[Any]") -> None:
    open_ = [node.name for node in running if node.op in ("Placeholder", "PlaceholderV2")]
    if open_:
        raise ValueError("the graph also takes %s, which the manifest does not declare" % listed(open_))

"""A convolutional network as plain data: its layers as JSON, its weights as arrays, read by every converter.

Weights are laid out as PyTorch and ONNX have them: of a convolution (out, in, height, width), of a dense layer
(out, in), where what comes in is flattened channels first.
"""

import collections
import json
import sys
from typing import Any, Callable, Dict, List, Tuple

import numpy


class Network:
    """``inputs`` name -> (channels, height, width); ``layers`` in the order in which they are computed."""

    def __init__(self, layers: str, weights: str) -> None:
        with open(layers) as file:
            about = json.load(file)
        self.inputs = collections.OrderedDict((entry["name"], tuple(entry["shape"])) for entry in about["inputs"])
        self.layers = about["layers"]  # type: List[Dict[str, Any]]
        self.outputs = about["outputs"]  # type: List[str]
        with numpy.load(weights) as arrays:
            self.arrays = {name: numpy.ascontiguousarray(arrays[name], "float32") for name in arrays.files}
        self.shapes = self._shapes()

    def weight(self, layer: "Dict[str, Any]") -> "Any":
        """The weights of a convolution or a dense layer."""
        return self.arrays[layer["name"] + ".weight"]

    def bias(self, layer: "Dict[str, Any]") -> "Any":
        """Its biases."""
        return self.arrays[layer["name"] + ".bias"]

    def channels_last(self, layer: "Dict[str, Any]") -> "Any":
        """The same weights where channels come last: (height, width, in, out), or (in, out)."""
        weight = self.weight(layer)
        if layer["op"] == "conv":
            return numpy.ascontiguousarray(weight.transpose(2, 3, 1, 0))
        shape = self.shapes[layer["from"][0]]
        if len(shape) == 1:
            return numpy.ascontiguousarray(weight.T)
        return numpy.ascontiguousarray(weight.reshape((-1,) + shape).transpose(2, 3, 1, 0).reshape(-1, len(weight)))

    def walk(self, makers: "Dict[str, Callable[..., Any]]", values: "Dict[str, Any]") -> "Dict[str, Any]":
        """Call ``makers[op](layer, *what it takes)`` for every layer; all values by the names of their layers."""
        for layer in self.layers:
            values[layer["name"]] = makers[layer["op"]](layer, *[values[name] for name in layer["from"]])
        return values

    def _shapes(self) -> "Dict[str, Tuple[int, ...]]":
        shapes = dict(self.inputs)  # type: Dict[str, Tuple[int, ...]]
        for layer in self.layers:
            shapes[layer["name"]] = self._shape(layer, [shapes[name] for name in layer["from"]])
        return shapes

    def _shape(self, layer: "Dict[str, Any]", taken: "List[Tuple[int, ...]]") -> "Tuple[int, ...]":
        first = taken[0]
        if layer["op"] in ("conv", "max_pool"):
            channels = len(self.weight(layer)) if layer["op"] == "conv" else first[0]
            return (channels,) + tuple(_window(size, layer) for size in first[1:])
        if layer["op"] == "concat":
            return (sum(shape[0] for shape in taken),) + first[1:]
        if layer["op"] == "mean":
            return first[:1]
        return (len(self.weight(layer)),) if layer["op"] == "dense" else first


def _window(size: int, layer: "Dict[str, Any]") -> int:
    room = size + 2 * layer.get("pad", 0) - layer["kernel"]
    # Some frameworks round up here and others down.
    if layer["op"] == "max_pool" and room % layer["stride"]:
        raise SystemExit("%s: windows that do not fit are pooled differently by frameworks" % layer["name"])
    return int(room // layer["stride"]) + 1


def asked() -> "Tuple[str, Dict[str, str]]":
    """What a recipe is asked: the name of the file to make, and the files to make it from by name."""
    return sys.argv[1], dict(text.split("=", 1) for text in sys.argv[2:])


def network() -> "Tuple[str, Network]":
    """The name of the file to make, and the network to write into it."""
    makes, files = asked()
    return makes, Network(files["layers"], files["weights"])

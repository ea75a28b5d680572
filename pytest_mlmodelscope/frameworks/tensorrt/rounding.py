"""Half precision for a network of fp32: TensorRT takes types as they are, so the network itself is changed."""

from typing import Any

import numpy

from pytest_mlmodelscope.frameworks.tensorrt.library import trt

_TYPES = {"fp16": trt.DataType.HALF, "bf16": trt.DataType.BF16}
#: How types are called here; those of whole numbers have no part in a precision.
_NAMES = {trt.DataType.FLOAT: "fp32", trt.DataType.HALF: "fp16", trt.DataType.BF16: "bf16"}
#: Layers that hold weights themselves, and where. A layer of the network does not know its own class.
_WEIGHTS = {
    trt.LayerType.CONSTANT: (trt.IConstantLayer, ("weights",)),
    trt.LayerType.CONVOLUTION: (trt.IConvolutionLayer, ("kernel", "bias")),
    trt.LayerType.DECONVOLUTION: (trt.IDeconvolutionLayer, ("kernel", "bias")),
    trt.LayerType.SCALE: (trt.IScaleLayer, ("shift", "scale", "power")),
}


def halved(network: "Any", precision: str) -> "list[Any]":
    """Round weights to this precision and compute in it; inputs and outputs stay as they are.

    What is returned has to live until the network is built. Where an operator cannot take the other
    type, TensorRT refuses to build the network.
    """
    kind = _TYPES[precision]
    layers = [network.get_layer(place) for place in range(network.num_layers)]
    alive = []  # type: list[Any]
    for layer in layers:
        if layer.type in _WEIGHTS and layer.get_output(0).dtype == trt.DataType.FLOAT:
            alive += _round_weights(layer, kind)
        elif layer.type == trt.LayerType.CAST and layer.get_output(0).dtype == trt.DataType.FLOAT:
            layer.__class__ = trt.ICastLayer
            layer.to_type = kind
    for tensor in [network.get_input(place) for place in range(network.num_inputs)]:
        if tensor.dtype == trt.DataType.FLOAT:
            _replace(layers, tensor, network.add_cast(tensor, kind).get_output(0))
    for tensor in [network.get_output(place) for place in range(network.num_outputs)]:
        if tensor.dtype == kind:
            _widen(network, tensor)
    return alive


def precision_of(network: "Any") -> str:
    """What most layers of a network give; fp32 where none gives floating-point numbers."""
    counts = {}  # type: dict[str, int]
    for place in range(network.num_layers):
        layer = network.get_layer(place)
        name = _NAMES.get(layer.get_output(0).dtype)
        if name and layer.type != trt.LayerType.CAST:
            counts[name] = counts.get(name, 0) + 1
    return max(counts, key=lambda name: counts[name]) if counts else "fp32"


def _round_weights(layer: "Any", kind: "Any") -> "list[Any]":
    layer.__class__, names = _WEIGHTS[layer.type]
    alive = []
    for name in names:
        values = getattr(layer, name)
        if numpy.size(values):
            rounded = _rounded(numpy.asarray(values, "float32"), kind)
            setattr(layer, name, trt.Weights(kind, rounded.ctypes.data, rounded.size))
            alive.append(rounded)
    return alive


def _rounded(values: "Any", kind: "Any") -> "Any":
    if kind == trt.DataType.HALF:
        return values.astype("float16")
    # numpy has no bf16: it is the upper half of fp32, rounded to the nearest, ties to even.
    bits = numpy.ascontiguousarray(values).view("uint32")
    return ((bits + (0x7FFF + ((bits >> 16) & 1)).astype("uint32")) >> 16).astype("uint16")


def _replace(layers: "list[Any]", old: "Any", new: "Any") -> None:
    for layer in layers:
        for place in range(layer.num_inputs):
            found = layer.get_input(place)
            if found is not None and found.name == old.name:
                layer.set_input(place, new)


def _widen(network: "Any", tensor: "Any") -> None:
    """Give an output as fp32, by the name that it has."""
    name = tensor.name
    network.unmark_output(tensor)
    tensor.name = name + "/half"
    wide = network.add_cast(tensor, trt.DataType.FLOAT).get_output(0)
    wide.name = name
    network.mark_output(wide)

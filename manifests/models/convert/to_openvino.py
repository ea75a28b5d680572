"""The network as OpenVINO's two files: the graph (.xml), and the weights (.bin), in full precision."""

import os
from typing import Any, Dict

import numpy
import openvino
from network import network
from openvino import opset13


def main() -> None:
    """Write both files, and leave the one that is asked for."""
    makes, net = network()

    def named(layer: "Dict[str, Any]", node: "Any") -> "Any":
        node.set_friendly_name(layer["name"])
        node.output(0).tensor.set_names({layer["name"]})
        return node

    def conv(layer: "Dict[str, Any]", value: "Any") -> "Any":
        strides, pad = 2 * [layer["stride"]], 2 * [layer["pad"]]
        made = opset13.convolution(value, net.weight(layer), strides, pad, pad, [1, 1])
        return named(layer, opset13.add(made, net.bias(layer).reshape(1, -1, 1, 1)))

    def max_pool(layer: "Dict[str, Any]", value: "Any") -> "Any":
        size, strides = 2 * [layer["kernel"]], 2 * [layer["stride"]]
        # Of its two outputs the second says where the largest were.
        made = opset13.max_pool(value, strides, [1, 1], [0, 0], [0, 0], size)
        return named(layer, made).output(0)

    def dense(layer: "Dict[str, Any]", value: "Any") -> "Any":
        flat = opset13.reshape(value, numpy.array([0, -1], "int64"), special_zero=True)
        made = opset13.matmul(flat, net.weight(layer), transpose_a=False, transpose_b=True)
        return named(layer, opset13.add(made, net.bias(layer).reshape(1, -1)))

    def mean(layer: "Dict[str, Any]", value: "Any") -> "Any":
        return named(layer, opset13.reduce_mean(value, numpy.array([2, 3], "int64"), keep_dims=False))

    makers = {
        "conv": conv,
        "max_pool": max_pool,
        "dense": dense,
        "mean": mean,
        "relu": lambda layer, value: named(layer, opset13.relu(value)),
        "concat": lambda layer, *values: named(layer, opset13.concat(values, 1)),
    }
    inputs = {name: opset13.parameter([-1, *shape], numpy.float32, name) for name, shape in net.inputs.items()}
    for name, node in inputs.items():
        node.output(0).tensor.set_names({name})
    values = net.walk(makers, dict(inputs))
    model = openvino.Model([values[name] for name in net.outputs], list(inputs.values()), "network")
    stem = os.path.splitext(makes)[0]
    openvino.serialize(model, stem + ".xml", stem + ".bin")


main()

"""The network as a model of CNTK, in its own version 2 format."""

from typing import Any, Dict

from network import network

# A worker of CNTK has what stands in for MPI, without which it cannot be imported.
from pytest_mlmodelscope.frameworks.cntk.library import cntk


def main() -> None:
    """Write one function; its input and its outputs have the names of the network's."""
    makes, net = network()

    def conv(layer: "Dict[str, Any]", value: "Any") -> "Any":
        pad, weight = 2 * (layer["pad"],), _constant(layer, "weight", net.weight(layer))
        if layer["pad"]:
            value = cntk.pad(value, [(0, 0), pad, pad])
        made = cntk.convolution(weight, value, strides=2 * (layer["stride"],), auto_padding=[False])
        bias = net.bias(layer).reshape(-1, 1, 1)
        return cntk.plus(made, _constant(layer, "bias", bias), name=layer["name"])

    def max_pool(layer: "Dict[str, Any]", value: "Any") -> "Any":
        size, strides = 2 * (layer["kernel"],), 2 * (layer["stride"],)
        return cntk.pooling(value, cntk.MAX_POOLING, size, strides, [False], name=layer["name"])

    def mean(layer: "Dict[str, Any]", value: "Any") -> "Any":
        pooled = cntk.pooling(value, cntk.AVG_POOLING, net.shapes[layer["from"][0]][1:], auto_padding=[False])
        return cntk.reshape(pooled, net.shapes[layer["name"]], name=layer["name"])

    def dense(layer: "Dict[str, Any]", value: "Any") -> "Any":
        weight = net.weight(layer).reshape((-1,) + net.shapes[layer["from"][0]])
        moved = weight.transpose(tuple(range(1, weight.ndim)) + (0,))
        made = cntk.times(value, _constant(layer, "weight", moved))
        return cntk.plus(made, _constant(layer, "bias", net.bias(layer)), name=layer["name"])

    makers = {
        "conv": conv,
        "max_pool": max_pool,
        "mean": mean,
        "dense": dense,
        "relu": lambda layer, value: cntk.relu(value, name=layer["name"]),
        "concat": lambda layer, *values: cntk.splice(*values, axis=0, name=layer["name"]),
    }
    inputs = {name: cntk.input_variable(shape, name=name) for name, shape in net.inputs.items()}
    values = net.walk(makers, inputs)
    outputs = [values[name] for name in net.outputs]
    (outputs[0] if len(outputs) == 1 else cntk.combine(outputs)).save(makes)


def _constant(layer: "Dict[str, Any]", part: str, values: "Any") -> "Any":
    return cntk.parameter(init=values.astype("float32"), name=layer["name"] + "." + part)


main()

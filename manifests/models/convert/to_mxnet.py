"""The network as MXNet's two files: the graph (.json), and the weights (.params)."""

from typing import Any, Dict

import mxnet
from network import network


def main() -> None:
    """Write the file that is asked for."""
    makes, net = network()
    names = {layer["name"]: layer for layer in net.layers if layer["name"] + ".weight" in net.arrays}
    if makes.endswith(".params"):
        arrays = [(name + part, net.arrays[name + part]) for name in names for part in (".weight", ".bias")]
        mxnet.nd.save(makes, {"arg:" + name: mxnet.nd.array(values, dtype="float32") for name, values in arrays})
        return

    def weights(layer: "Dict[str, Any]") -> "Dict[str, Any]":
        parts = {part: mxnet.sym.var(layer["name"] + "." + part) for part in ("weight", "bias")}
        return dict(parts, name=layer["name"])

    def conv(layer: "Dict[str, Any]", value: "Any") -> "Any":
        count = len(net.weight(layer))
        pad = 2 * (layer["pad"],)
        return mxnet.sym.Convolution(value, num_filter=count, pad=pad, **_window(layer), **weights(layer))

    def max_pool(layer: "Dict[str, Any]", value: "Any") -> "Any":
        return mxnet.sym.Pooling(value, pool_type="max", name=layer["name"], **_window(layer))

    def dense(layer: "Dict[str, Any]", value: "Any") -> "Any":
        return mxnet.sym.FullyConnected(value, num_hidden=len(net.weight(layer)), **weights(layer))

    makers = {
        "conv": conv,
        "max_pool": max_pool,
        "dense": dense,
        "mean": lambda layer, value: mxnet.sym.mean(value, axis=(2, 3), name=layer["name"]),
        "relu": lambda layer, value: mxnet.sym.Activation(value, act_type="relu", name=layer["name"]),
        "concat": lambda layer, *values: mxnet.sym.concat(*values, dim=1, name=layer["name"]),
    }
    values = net.walk(makers, {name: mxnet.sym.var(name) for name in net.inputs})
    outputs = [values[name] for name in net.outputs]
    (outputs[0] if len(outputs) == 1 else mxnet.sym.Group(outputs)).save(makes)


def _window(layer: "Dict[str, Any]") -> "Dict[str, Any]":
    return {"kernel": 2 * (layer["kernel"],), "stride": 2 * (layer["stride"],)}


main()

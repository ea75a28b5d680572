"""The network for TensorFlow: a SavedModel (a folder), a frozen graph (.pb), Keras (.keras) or LiteRT (.tflite)."""

from typing import Any, Dict

import tensorflow
from network import Network, network


def graph(net: Network, values: "Dict[str, Any]") -> "Dict[str, Any]":
    """All values of the network, with channels last, by the names of their layers."""
    nn = tensorflow.nn

    def conv(layer: "Dict[str, Any]", value: "Any") -> "Any":
        pad, weight = layer["pad"], _constant(layer, "weight", net.channels_last(layer))
        made = nn.conv2d(value, weight, layer["stride"], [[0, 0], [pad, pad], [pad, pad], [0, 0]])
        return nn.bias_add(made, _constant(layer, "bias", net.bias(layer)), name=_plain(layer))

    def dense(layer: "Dict[str, Any]", value: "Any") -> "Any":
        weight = _constant(layer, "weight", net.channels_last(layer))
        made = tensorflow.matmul(tensorflow.reshape(value, [-1, weight.shape[0]]), weight)
        return nn.bias_add(made, _constant(layer, "bias", net.bias(layer)), name=_plain(layer))

    makers = {
        "conv": conv,
        "dense": dense,
        "mean": lambda layer, value: tensorflow.reduce_mean(value, [1, 2], name=_plain(layer)),
        "relu": lambda layer, value: nn.relu(value, name=_plain(layer)),
        "concat": lambda layer, *values: tensorflow.concat(values, 3, name=_plain(layer)),
        "max_pool": lambda layer, value: nn.max_pool2d(
            value, layer["kernel"], layer["stride"], "VALID", name=_plain(layer)
        ),
    }
    return net.walk(makers, values)


def _constant(layer: "Dict[str, Any]", part: str, values: "Any") -> "Any":
    return tensorflow.constant(values, name=_plain(layer) + "_" + part)


def _plain(layer: "Dict[str, Any]") -> str:
    return str(layer["name"].replace("/", "_"))


def frozen(net: Network, makes: str) -> None:
    """One graph with the weights in it."""
    with tensorflow.Graph().as_default() as made:
        shapes = {name: (None, *shape[1:], shape[0]) for name, shape in net.inputs.items()}
        inputs = {name: tensorflow.compat.v1.placeholder("float32", shape, name) for name, shape in shapes.items()}
        graph(net, dict(inputs))
    with open(makes, "wb") as file:
        file.write(made.as_graph_def().SerializeToString(deterministic=True))


if __name__ == "__main__":
    makes, net = network()
    frozen(net, makes)
